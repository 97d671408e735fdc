"""Follow a delivery: a progress bar, where there is somebody to see it and `rich` to draw it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from axonlog.catalog import RunView, Watch
from axonlog.delivery import DeliveryReport

from ._format import size
from ._presentation import label
from ._terminal import Screen, printable

_Update = Callable[[DeliveryReport], None]


def watch_for(screen: Screen) -> Watch:
    """What follows the delivery of each run on this screen."""
    if not screen.is_styled:
        return _nobody_watches  # a bar moves by escape codes
    try:
        import rich.progress  # noqa: F401  # the extra `cli`
    except ModuleNotFoundError:
        return _nobody_watches
    return _Bars()


@contextmanager
def _nobody_watches(run: RunView) -> Iterator[_Update]:
    yield lambda delivered: None


class _Bars:
    """A progress bar for each run that is being sent, gone when it is; for any thread."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._lock = threading.Lock()
        self._running = 0
        # One display for all bars: a terminal has room for no second one.
        self._display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            console=Console(stderr=True, highlight=False, markup=False),
            transient=True,
            # What is printed meanwhile goes above the bars, unless it goes to a file.
            redirect_stdout=sys.stdout.isatty(),
        )

    @contextmanager
    def __call__(self, run: RunView) -> Iterator[_Update]:
        """A bar for ``run``, moved by the reports that the yielded function is given."""
        total = max(1, run.delivery.pending_bytes)
        with self._lock:
            self._running += 1
            self._display.start()
        task = self._display.add_task(label(run), total=total, told=f"0 B / {size(total)}")

        def update(delivered: DeliveryReport) -> None:
            # What was sent twice must not push the bar beyond its end.
            sent = min(total, delivered.bytes_sent)
            news = f"{size(sent)} / {size(total)}"
            if delivered.failure:
                news = f"{news}  trying again: {printable(delivered.failure)}"
            self._display.update(task, completed=sent, told=news)

        try:
            yield update
        finally:
            with self._lock:
                self._display.remove_task(task)
                self._running -= 1
                if not self._running:
                    self._display.stop()
