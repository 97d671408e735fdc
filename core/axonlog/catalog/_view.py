"""What is to be told of one run on this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from axonlog.delivery import DeliveryReport
from axonlog.errors import AxonlogError
from axonlog.events import FINAL_STATUSES
from axonlog.store import (
    RunDirectory,
    RunRecord,
    ending_in_journal,
    is_alive,
    is_copy,
    read_record,
    repair,
)

from ._destination import known_destination
from ._pending import pending_report

_CHUNK_BYTES = 1 << 20
LOST = "lost"
COPY = "copy"
UNREADABLE = "unreadable"
# The reason that a repaired run's last status carries.
_LOST_REASON = "ProcessLost"
_COPY_MESSAGE = "a copy of a run that was going on: how it ended is known where it was started"


@dataclass(frozen=True)
class RunView:
    """One run, as ``ls`` shows it.

    ``status`` is Polyaxon's, or ``lost`` (its process died without an ending), or ``copy`` (a copy
    of a run that was going on; how it ended cannot be known from here), or ``unreadable``
    (``message`` says why). ``destination`` is where it was sent to, if it ever was.
    ``journal_error`` is why its journal could not be brought into its files.
    """

    path: Path
    run_uuid: str
    owner: str | None = None
    project: str | None = None
    name: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    is_alive: bool = False
    created_at: datetime | None = None
    points: int = 0
    delivery: DeliveryReport = field(default_factory=DeliveryReport)
    destination: str | None = None
    journal_error: str | None = None

    @property
    def has_pending(self) -> bool:
        """Whether something of the run is to be sent, or to be brought into its files first."""
        return bool(self.delivery.pending or self.delivery.is_journal_behind)

    @property
    def is_lost(self) -> bool:
        """Whether the run's process died without an ending."""
        return self.status == LOST

    @property
    def is_readable(self) -> bool:
        """Whether the run's document could be read."""
        return self.status != UNREADABLE

    def to_dict(self) -> dict[str, Any]:
        """The run for JSON; times as ISO 8601, sizes in bytes."""
        facts = asdict(self)
        delivery = facts.pop("delivery")
        return {
            **facts,
            "path": str(self.path),
            "created_at": self.created_at and self.created_at.isoformat(),
            "pending": delivery["pending"],
            "pending_bytes": delivery["pending_bytes"],
            "unreplayed_points": delivery["unreplayed_points"],
        }


def view_run(path: Path) -> RunView:
    """Look at the run in ``path``; never raises. A run whose process died is completed first."""
    journal_error = None
    try:
        repair(path)
    except (AxonlogError, OSError) as error:
        journal_error = str(error)  # what cannot be completed can still be looked at
    try:
        return _view(path, read_record(RunDirectory(path).document), journal_error)
    except (AxonlogError, OSError) as error:
        return RunView(path, path.name, status=UNREADABLE, message=str(error))


def _view(path: Path, record: RunRecord, journal_error: str | None) -> RunView:
    alive = is_alive(path)
    last = record.status_conditions[-1] if record.status_conditions else None
    # Where the document cannot be written, the journal has the ending that the process gave.
    given = ending_in_journal(path)
    last, status = (last, record.status) if given is None else (given, given.type)
    reason, message = (last.reason, last.message) if last else (None, None)
    is_open = status not in FINAL_STATUSES and not record.is_managed
    if is_copy(path):
        status, message = COPY, _COPY_MESSAGE
    elif reason == _LOST_REASON or (is_open and not alive):
        status = LOST
    delivery = pending_report(path, destination := known_destination(path))
    return RunView(
        path=path,
        run_uuid=record.uuid,
        owner=record.owner,
        project=record.project,
        name=record.name,
        status=status,
        reason=reason,
        message=message,
        is_alive=alive,
        created_at=record.created_at,
        points=count_points(path),
        delivery=delivery,
        destination=destination,
        journal_error=journal_error or delivery.journal_error,
    )


def count_points(path: Path) -> int:
    """How many points the metric files of the run in ``path`` hold: their rows, counted."""
    return sum(map(_count_rows, (RunDirectory(path).events / "metric").glob("*.plx")))


def _count_rows(file: Path) -> int:
    breaks, last = 0, b""
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            breaks += chunk.count(b"\n")
            last = chunk[-1:]
    # The first line is the header. A row begins with its line break, in files of others it ends
    # with one.
    return breaks - (last == b"\n")
