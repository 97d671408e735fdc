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
from ._pending import waiting

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
    (``message`` says why). ``destination`` is where it was sent to, if it ever was. ``trouble``
    is why its journal could not be brought into its files.
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
    waiting: DeliveryReport = field(default_factory=DeliveryReport)
    destination: str | None = None
    trouble: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether something of the run is to be sent, or to be brought into its files first."""
        return bool(self.waiting.pending or self.waiting.is_journal_behind)

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
        waiting = facts.pop("waiting")
        return {
            **facts,
            "path": str(self.path),
            "created_at": self.created_at and self.created_at.isoformat(),
            "pending": waiting["pending"],
            "pending_bytes": waiting["pending_bytes"],
            "undrained_points": waiting["undrained_points"],
        }


def view_run(path: Path) -> RunView:
    """Look at the run in ``path``; never raises. A run whose process died is completed first."""
    trouble = None
    try:
        repair(path)
    except (AxonlogError, OSError) as error:
        trouble = str(error)  # what cannot be completed can still be looked at
    try:
        return _view(path, read_record(RunDirectory(path).document), trouble)
    except (AxonlogError, OSError) as error:
        return RunView(path, path.name, status=UNREADABLE, message=str(error))


def _view(path: Path, record: RunRecord, trouble: str | None) -> RunView:
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
    waiting_items = waiting(path, destination := known_destination(path))
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
        waiting=waiting_items,
        destination=destination,
        trouble=trouble or waiting_items.journal_error,
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
