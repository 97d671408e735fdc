"""Follow a delivery: a progress bar, where there is somebody to see it and `rich` to draw it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from axonlog.delivery import DeliveryReport

from ._presentation import label
from ._sending import Watch
from ._terminal import Screen, printable
from ._view import RunView
from ._words import size

_Update = Callable[[DeliveryReport], None]


def watch_for(screen: Screen) -> Watch:
    """What follows the delivery of each run on this screen."""
    if not screen.is_styled:
        return _nobody_watches  # a bar moves by escape codes
    try:
        import rich.progress  # noqa: F401  # the extra `cli`
    except ModuleNotFoundError:
        return _nobody_watches
    return _bar


@contextmanager
def _nobody_watches(run: RunView) -> Iterator[_Update]:
    yield lambda delivered: None


@contextmanager
def _bar(run: RunView) -> Iterator[_Update]:
    """A bar for ``run``, gone when it has been sent."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    total = max(1, run.waiting.pending_bytes)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        console=Console(stderr=True, highlight=False, markup=False),
        transient=True,
    )
    with bar:
        task = bar.add_task(label(run), total=total, told=f"0 B / {size(total)}")

        def update(delivered: DeliveryReport) -> None:
            # What was sent twice must not push the bar beyond its end.
            sent = min(total, delivered.bytes_sent)
            news = f"{size(sent)} / {size(total)}"
            if delivered.trouble:
                news = f"{news}  trying again: {printable(delivered.trouble)}"
            bar.update(task, completed=sent, told=news)

        yield update
