"""What people see: tables, progress bars, colours; plain text where nobody looks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from axonlog.delivery import DeliveryReport

from ._sending import Outcome
from ._view import COPY, LOST, UNREADABLE, RunView
from ._words import age, count, size

_STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "stopped": "yellow",
    "skipped": "yellow",
    COPY: "yellow",
    LOST: "bold red",
    UNREADABLE: "bold red",
}
_SHORTEST = 8
# Where the output is no terminal nothing is cut off: a program or a file has no width.
_NO_WIDTH = 10_000


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: what is being done is done all the same."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def console(*, stderr: bool = False) -> Console:
    """Where to write; colours and width are those of the terminal, if it is one."""
    result = _Console(stderr=stderr, highlight=False, markup=False, soft_wrap=False)
    if not result.is_terminal:
        result.width = _NO_WIDTH
    return result


def short_uuids(runs: Sequence[RunView]) -> dict[str, str]:
    """For each uuid its beginning, as long as it takes to tell them all apart."""
    uuids = {run.run_uuid for run in runs}
    length = _SHORTEST
    while len({uuid[:length] for uuid in uuids}) < len(uuids):
        length += 1
    return {uuid: uuid[:length] for uuid in uuids}


def runs_table(runs: Sequence[RunView]) -> Table:
    """The runs as a table, as they are ordered."""
    shorts, now = short_uuids(runs), datetime.now(timezone.utc)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("RUN", "STATUS"):
        table.add_column(head, no_wrap=True)
    for head in ("POINTS", "TO SEND", "AGE"):
        table.add_column(head, justify="right", no_wrap=True)
    for head in ("PROJECT", "NAME"):
        # Its cells do not wrap, but it may: such columns give way first where there is no room.
        table.add_column(head, overflow="ellipsis")
    for run in runs:
        is_waiting = run.is_waiting
        table.add_row(
            Text(shorts[run.run_uuid], "bold"),
            Text(_printable(run.status or "-"), _STYLES.get(run.status or "", "")),
            f"{run.points:,}" if run.is_readable else "-",
            Text(
                size(run.waiting.pending_bytes) if is_waiting else "-", "" if is_waiting else "dim"
            ),
            Text(age(run.created_at, now), "dim"),
            _shown("/".join(part for part in (run.owner, run.project) if part)),
            _shown(run.name),
        )
    return table


def journal_lines(runs: Sequence[RunView]) -> Iterator[Text]:
    """A line for each run whose journal holds what its files do not have, and why."""
    for run in runs:
        if run.waiting.is_journal_behind or run.trouble:
            why = f": {_printable(run.trouble)}" if run.trouble else ""
            held = _held(run.waiting)
            yield Text.assemble((label(run), "bold"), f"  {held}{why}")


def _held(report: DeliveryReport) -> str:
    """What a journal holds back, in words."""
    if report.undrained_points:
        return f"{count(report.undrained_points, 'point')} not brought from the journal to its file"
    return "the journal could not be brought into the files"


def outcome_line(outcome: Outcome, *, with_trouble: bool = True) -> Text:
    """What came of sending one run, in one line, with what stands in the way unless it is known."""
    report = outcome.report
    where = f"{outcome.host}/{outcome.owner}/{outcome.project}"
    line = Text.assemble((label(outcome.run), "bold"), "  ")
    if outcome.error is not None:
        return line.append("not sent: ", "red").append(_printable(outcome.error))
    if report.is_complete and not report.sent:
        return line.append("nothing to send", "green").append(f": {where} has everything")
    parts = (
        ("sent", "green", report.sent, f", {size(report.bytes_sent)}"),
        ("pending", "yellow", report.pending, f", {size(report.pending_bytes)}"),
        ("refused", "red", report.failed, ""),
    )
    told = [
        Text.assemble((word, style), f": {count(number, 'item')}{more}")
        for word, style, number, more in parts
        if number
    ]
    if report.is_journal_behind:
        told.append(Text(_held(report), "red"))
    line.append(Text("; ").join(told)).append(f", to {where}")
    if with_trouble and report.trouble:
        line.append(f" ({_printable(report.trouble)})")
    return line


def label(run: RunView) -> str:
    """A run in a few words: the beginning of its uuid, and its name."""
    return " ".join(filter(None, (run.run_uuid[:_SHORTEST], _printable(run.name or ""))))


class Bars:
    """A progress bar for each run that is being sent, gone when it is; for any thread."""

    def __init__(self, screen: Console) -> None:
        self._lock = threading.Lock()
        self._running = 0
        # One display for all bars: a terminal has room for no second one.
        self._display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            console=screen,
            transient=True,
            # What is printed meanwhile goes above the bars, unless it goes to a file.
            redirect_stdout=sys.stdout.isatty(),
        )

    @contextmanager
    def __call__(self, run: RunView) -> Iterator[Callable[[DeliveryReport], None]]:
        """A bar for ``run``, moved by what is told to the function that this gives."""
        total = max(1, run.waiting.pending_bytes)
        with self._lock:
            self._running += 1
            self._display.start()
        task = self._display.add_task(label(run), total=total, told=f"0 B / {size(total)}")

        def tell(delivered: DeliveryReport) -> None:
            # What was sent twice must not push the bar beyond its end.
            sent = min(total, delivered.bytes_sent)
            news = f"{size(sent)} / {size(total)}"
            if delivered.trouble:
                news = f"{news}  trying again: {_printable(delivered.trouble)}"
            self._display.update(task, completed=sent, told=news)

        try:
            yield tell
        finally:
            with self._lock:
                self._display.remove_task(task)
                self._running -= 1
                if not self._running:
                    self._display.stop()


@contextmanager
def nobody_watches(run: RunView) -> Iterator[Callable[[DeliveryReport], None]]:
    """For programs: what is told goes nowhere."""
    yield lambda delivered: None


def _shown(text: str | None) -> Text:
    return Text(_printable(text), no_wrap=True) if text else Text("-", "dim")


def _printable(text: str) -> str:
    """Without what would move the cursor or change the terminal: names come from anywhere."""
    return "".join(char if char.isprintable() else "�" for char in text)
