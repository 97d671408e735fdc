"""The run document: what Polyaxon knows of a run as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from axonlog.errors import CacheError
from axonlog.events import FINAL_STATUSES, Status

from ._files import Stamp, stamp_of, write_json
from ._json import to_json_value, to_text


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment


# Others write moments without a zone: they mean UTC.
_Moment = Annotated[datetime, AfterValidator(_in_utc)]


class Condition(BaseModel):
    """One entry of a run's status history."""

    model_config = ConfigDict(extra="allow")

    type: Status
    status: bool | str = True
    reason: str | None = None
    message: str | None = None
    last_update_time: _Moment | None = None
    last_transition_time: _Moment | None = None


class RunRecord(BaseModel):
    """``run.plx.json``; keys that are not listed here are kept as they were found."""

    model_config = ConfigDict(extra="allow")

    uuid: str
    owner: str | None = None
    project: str | None = None
    name: str | None = None
    description: str | None = None
    readme: str | None = None
    tags: list[str] | None = None
    kind: str = "job"
    runtime: str = "job"
    is_managed: bool = False
    managed_by: str = "user"
    created_at: _Moment | None = None
    started_at: _Moment | None = None
    finished_at: _Moment | None = None
    wait_time: float | None = None
    duration: float | None = None
    status: str | None = None
    status_conditions: list[Condition] = Field(default_factory=list)
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    meta_info: dict[str, Any] | None = None


def read_record(path: Path) -> RunRecord:
    """The run document in ``path``.

    Raises:
        CacheError: It is not a run document.
        OSError: It cannot be read.
    """
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CacheError(
            f"{path}: not a run document: {where or 'file'}: {first['msg']}", path=path
        ) from error


class RunDocument:
    """The run document in memory, and its file kept current by whole replacement.

    Any thread may change it; each change is on disk when its method returns, unless it was
    deferred to the next ``save``. What another process wrote meanwhile is taken over first.
    """

    def __init__(self, path: Path, record: RunRecord) -> None:
        self._path = path
        self._record = record.model_copy(deep=True)
        self._is_changed = True
        self._deferred: dict[str, dict[str, Any]] = {}
        self._seen: Stamp | None = None
        # Reentrant: a SIGTERM handler ends the run in the thread that may hold it.
        self._lock = threading.RLock()

    @classmethod
    def load(cls, path: Path) -> RunDocument:
        """The document that ``path`` holds.

        Raises:
            CacheError: It is not a run document.
            OSError: It cannot be read.
        """
        seen = stamp_of(path)
        document = cls(path, read_record(path))
        document._is_changed, document._seen = False, seen
        return document

    @property
    def status(self) -> str | None:
        """The newest status."""
        return self._record.status

    @property
    def name(self) -> str | None:
        """The name to show."""
        return self._record.name

    @property
    def is_final(self) -> bool:
        """Whether the newest status is one after which nothing is expected."""
        return self._record.status in FINAL_STATUSES

    def snapshot(self) -> RunRecord:
        """A copy that later changes do not reach."""
        with self._lock:
            return self._record.model_copy(deep=True)

    def save(self) -> None:
        """Write the file if it is behind."""
        with self._lock:
            if self._is_changed:
                self._catch_up()
                self._write()

    def set_field(self, field: Literal["name", "description", "readme"], value: str) -> None:
        """Replace one of the run's texts."""
        with self._lock:
            self._catch_up()
            setattr(self._record, field, to_text(value))
            self._write()

    def merge(
        self,
        field: Literal["inputs", "outputs", "meta_info"],
        values: Mapping[str, Any],
        *,
        reset: bool = False,
        deferred: bool = False,
    ) -> None:
        """Set keys of one of the run's dictionaries; with ``reset`` the others go."""
        converted = to_json_value(values)
        with self._lock:
            self._catch_up()
            current = None if reset else getattr(self._record, field)
            merged = {**(current or {}), **converted}
            if merged != getattr(self._record, field):
                setattr(self._record, field, merged)
                self._is_changed = True
                if deferred:
                    self._deferred[field] = {**self._deferred.get(field, {}), **converted}
                else:
                    self._write()

    def add_tags(self, tags: Sequence[str], *, reset: bool = False) -> None:
        """Append the tags that are new; with ``reset`` the old ones go."""
        with self._lock:
            self._catch_up()
            current = [] if reset else (self._record.tags or [])
            self._record.tags = list(dict.fromkeys([*current, *map(to_text, tags)]))
            self._write()

    def add_condition(
        self,
        status: Status,
        *,
        reason: str,
        message: str | None,
        updated: datetime | None = None,
        changed: datetime | None = None,
        at: datetime | None = None,
    ) -> None:
        """Enter a status: history, the status itself, and the times that follow from it.

        Args:
            status: The new status.
            reason: A word for it.
            message: A sentence.
            updated: When it was last told; ``at`` if not given.
            changed: When the run came to it; ``at`` if not given.
            at: When it happened; now if not given.
        """
        now = at or datetime.now(timezone.utc)
        condition = Condition(
            type=status,
            reason=to_text(reason),
            message=None if message is None else to_text(message),
            last_update_time=updated or now,
            last_transition_time=changed or now,
        )
        with self._lock:
            self._catch_up()
            record = self._record
            record.status_conditions.append(condition)
            record.status = status
            if status == "running" and record.started_at is None:
                record.started_at = now
                if record.created_at is not None:
                    record.wait_time = (now - record.created_at).total_seconds()
            if status in FINAL_STATUSES:
                record.finished_at = now
                if record.started_at is not None:
                    record.duration = (now - record.started_at).total_seconds()
            elif record.finished_at is not None:
                record.finished_at = record.duration = None
            self._write()

    def _catch_up(self) -> None:
        if self._seen is None:
            return  # never written: nobody else can have it from here
        stamp = stamp_of(self._path)
        if stamp is None or stamp == self._seen:
            return
        try:
            self._record, self._seen = read_record(self._path), stamp
        except (CacheError, FileNotFoundError):
            return  # somebody spoiled it: what is known here is written over it
        for field, values in self._deferred.items():
            setattr(self._record, field, {**(getattr(self._record, field) or {}), **values})

    def _write(self) -> None:
        self._is_changed = True  # also when writing fails: the next one makes up for it
        write_json(self._path, self._record.model_dump(mode="json", exclude_none=True))
        self._seen = stamp_of(self._path)
        self._is_changed = False
        self._deferred = {}
