"""Runs, and what came of sending them, as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from axonlog.catalog import COPY, LOST, UNREADABLE, RunView, SyncOutcome
from axonlog.delivery import DeliveryReport

from ._format import age, count, size
from ._table import Cell, Column, render
from ._terminal import Screen, printable

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
_NOTHING = Cell("-", "dim")

# 80 characters take all of them. At 50 it is what `sync` needs, and names that say something.
_COLUMNS = (
    Column("RUN"),
    Column("STATUS"),
    Column("POINTS", rank=5, is_right=True),
    Column("TO SEND", rank=2, is_right=True),
    Column("AGE", rank=3, is_right=True),
    Column("PROJECT", rank=4, min_width=11),
    Column("NAME", rank=1, min_width=16),
)


def runs_table(runs: Sequence[RunView], screen: Screen) -> str:
    """The runs as a table, as they are ordered."""
    shorts, now = short_uuids(runs), datetime.now(timezone.utc)
    return render(_COLUMNS, [_row(run, shorts, now) for run in runs], screen)


def short_uuids(runs: Sequence[RunView]) -> dict[str, str]:
    """For each uuid its beginning, as long as it takes to tell them all apart."""
    uuids = {run.run_uuid for run in runs}
    length = _SHORTEST
    while len({uuid[:length] for uuid in uuids}) < len(uuids):
        length += 1
    return {uuid: printable(uuid[:length]) for uuid in uuids}


def remarks(runs: Sequence[RunView], screen: Screen) -> Iterator[str]:
    """What the table has no room for: why a run cannot be read, what its journal holds back."""
    for run in runs:
        head = screen.paint(label(run), "bold")
        if not run.is_readable:
            yield f"{head}  {printable(run.message or UNREADABLE)}"
        elif run.delivery.is_journal_behind or run.journal_error:
            why = f": {printable(run.journal_error)}" if run.journal_error else ""
            yield f"{head}  {_held(run.delivery)}{why}"


def outcome_line(outcome: SyncOutcome, screen: Screen, *, with_failure: bool = True) -> str:
    """What came of sending one run, in one line, with what stands in the way unless it is known."""
    report = outcome.report
    where = f"{outcome.host}/{outcome.owner}/{outcome.project}"
    head = f"{screen.paint(label(outcome.run), 'bold')}  "
    if outcome.error is not None:
        return f"{head}{screen.paint('not sent: ', 'red')}{printable(outcome.error)}"
    if report.is_complete and not report.sent:
        return f"{head}{screen.paint('nothing to send', 'green')}: {where} has everything"
    parts = (
        ("sent", "green", report.sent, f", {size(report.bytes_sent)}"),
        ("pending", "yellow", report.pending, f", {size(report.pending_bytes)}"),
        ("refused", "red", report.failed, ""),
    )
    told = [
        f"{screen.paint(word, style)}: {count(number, 'item')}{more}"
        for word, style, number, more in parts
        if number
    ]
    if report.is_journal_behind:
        told.append(screen.paint(_held(report), "red"))
    failure = f" ({printable(report.failure)})" if with_failure and report.failure else ""
    return f"{head}{'; '.join(told)}, to {where}{failure}"


def label(run: RunView) -> str:
    """A run in a few words: the beginning of its uuid, and its name."""
    return " ".join(filter(None, (run.run_uuid[:_SHORTEST], printable(run.name or ""))))


def _row(run: RunView, shorts: dict[str, str], now: datetime) -> tuple[Cell, ...]:
    status = run.status or "-"
    return (
        Cell(shorts[run.run_uuid], "bold"),
        Cell(printable(status), _STYLES.get(status, "")),
        Cell(f"{run.points:,}") if run.is_readable else _NOTHING,
        _to_send(run),
        Cell(age(run.created_at, now), "dim"),
        _text("/".join(part for part in (run.owner, run.project) if part)),
        _text(run.name),
    )


def _held(report: DeliveryReport) -> str:
    """What a journal holds back, in words."""
    if report.unreplayed_points:
        return (
            f"{count(report.unreplayed_points, 'point')} not brought from the journal to its file"
        )
    return "the journal could not be brought into the files"


def _to_send(run: RunView) -> Cell:
    if not run.has_pending:
        return _NOTHING
    # Without a file there is still the record of the run: its name, status, inputs and outputs.
    return Cell(size(run.delivery.pending_bytes) if run.delivery.pending_bytes else "record")


def _text(text: str | None) -> Cell:
    return Cell(printable(text)) if text else _NOTHING
