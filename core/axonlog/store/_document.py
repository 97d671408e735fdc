"""The run document, ``run.plx.json``: name, status, inputs, outputs and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from axonlog._polyaxon import FINAL_STATUSES, Status
from axonlog._run_fields import ConditionFields, RunFields
from axonlog.errors import CacheError

from ._atomic import write_json
from ._file_lock import DocumentLock, ThreadLock
from ._file_signature import FileSignature
from ._json import to_json_fields, to_text


class Condition(ConditionFields):
    """One entry of a run's status history."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    type: Status
    status: bool | str = True


class RunRecord(RunFields):
    """``run.plx.json``; keys that are not listed here are kept as they were found."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    uuid: str
    tags: list[str] | None = None
    kind: str = "job"
    runtime: str = "job"
    is_managed: bool = False
    managed_by: str = "user"
    status_conditions: list[Condition] = Field(default_factory=list)
    # The names of outputs that the user set: no last value of a metric replaces these.
    given_outputs: list[str] | None = None


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


_Text = Literal["name", "description", "readme"]
_Values = Literal["inputs", "outputs", "meta_info"]


@dataclass
class _Changes:
    """Changes since the file was last written; applied again after others have written it."""

    texts: dict[_Text, str] = field(default_factory=dict)
    values: dict[_Values, tuple[bool, dict[str, Any]]] = field(default_factory=dict)
    last_values: dict[str, Any] = field(default_factory=dict)
    tags: tuple[bool, list[str]] | None = None
    conditions: list[tuple[Condition, datetime]] = field(default_factory=list)

    def set_text(self, name: _Text, text: str) -> None:
        self.texts[name] = text

    def merge(self, name: _Values, values: dict[str, Any], *, reset: bool) -> None:
        was_reset, before = self.values.get(name, (False, {}))
        self.values[name] = (reset or was_reset, values if reset else {**before, **values})
        if reset and name == "outputs":
            self.last_values = {}

    def add_tags(self, tags: list[str], *, reset: bool) -> None:
        was_reset, before = self.tags or (False, [])
        self.tags = (reset or was_reset, tags if reset else [*before, *tags])

    def apply(self, record: RunRecord) -> None:
        """Apply the changes to a record; applying them twice makes no difference."""
        for name, text in self.texts.items():
            setattr(record, name, text)
        for key, (reset, values) in self.values.items():
            current = None if reset else getattr(record, key)
            setattr(record, key, {**(current or {}), **values})
            if key == "outputs":
                given = [] if reset else (record.given_outputs or [])
                record.given_outputs = list(dict.fromkeys([*given, *values])) or None
        # Last values never replace outputs that the user set.
        if last_values := _without_given(self.last_values, record):
            record.outputs = {**(record.outputs or {}), **last_values}
        if self.tags is not None:
            reset, tags = self.tags
            current_tags = [] if reset else (record.tags or [])
            record.tags = list(dict.fromkeys([*current_tags, *tags]))
        for condition, at in self.conditions:
            if condition not in record.status_conditions:
                _record_condition(record, condition, at)


def _without_given(values: Mapping[str, Any], record: RunRecord) -> dict[str, Any]:
    """The values under names that the user set no output for."""
    given = frozenset(record.given_outputs or ())
    return {name: value for name, value in values.items() if name not in given}


def _record_condition(record: RunRecord, condition: Condition, at: datetime) -> None:
    """Append a status that the run took at ``at``, and set the times that follow from it."""
    record.status_conditions.append(condition)
    record.status = condition.type
    if condition.type == "running" and record.started_at is None:
        record.started_at = at
        if record.created_at is not None:
            record.wait_time = (at - record.created_at).total_seconds()
    if condition.type in FINAL_STATUSES:
        record.finished_at = at
        if record.started_at is not None:
            record.duration = (at - record.started_at).total_seconds()
    elif record.finished_at is not None:
        record.finished_at = record.duration = None


class RunDocument:
    """The run document in memory, and its file kept current by whole replacement.

    Any thread may change it; each change is on disk when its method returns, unless it was
    deferred to the next ``save``. What another process wrote meanwhile is read first, under a lock
    between processes. If that lock cannot be had in time, the file is written all the same, and
    again with the next change or ``save``: then it has the changes of both.
    """

    def __init__(self, path: Path, record: RunRecord) -> None:
        self._path = path
        self._record = record.model_copy(deep=True)
        self._is_changed = True
        self._changes = _Changes()
        self._described: set[str] = set()
        self._signature: FileSignature | None = None
        self._lock = ThreadLock(str(path))
        self._file_lock = DocumentLock(path)

    @classmethod
    def load(cls, path: Path) -> RunDocument:
        """The document that ``path`` holds.

        Raises:
            CacheError: It is not a run document.
            OSError: It cannot be read.
        """
        signature = FileSignature.of(path)
        document = cls(path, read_record(path))
        document._is_changed, document._signature = False, signature
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

    @property
    def is_saved(self) -> bool:
        """Whether the file has every change, and no process that held the lock may overwrite it."""
        return not self._is_changed

    def snapshot(self) -> RunRecord:
        """A copy that later changes do not reach."""
        with self._lock:
            return self._record.model_copy(deep=True)

    def save(self) -> None:
        """Write the file if it is behind.

        Raises:
            OSError: It cannot be written; the next save tries again.
        """
        with self._lock:
            if self._is_changed:
                self._write(lambda: None)

    def set_field(self, field: _Text, value: str) -> None:
        """Replace one of the run's texts.

        Raises:
            OSError: As for ``save``.
        """
        with self._lock:
            self._write(lambda: self._changes.set_text(field, to_text(value)))

    def merge(
        self,
        field: _Values,
        values: Mapping[str, Any],
        *,
        reset: bool = False,
        deferred: bool = False,
    ) -> None:
        """Set keys of one of the run's dictionaries; with ``reset`` the others go.

        Raises:
            OSError: As for ``save``.
        """
        converted = to_json_fields(values, described=self._described)

        def change() -> bool:
            current = getattr(self._record, field)
            is_known = field != "outputs" or converted.keys() <= {
                *(self._record.given_outputs or ())
            }
            if is_known and ({} if reset else current or {}) | converted == current:
                return False
            self._changes.merge(field, converted, reset=reset)
            return True

        with self._lock:
            if not deferred:
                self._write(change)
            elif change():
                self._is_changed = True
                self._changes.apply(self._record)

    def keep_last_values(self, values: Mapping[str, Any]) -> None:
        """Set outputs to the last values of metrics, but for those that the user set.

        Raises:
            OSError: As for ``save``.
        """

        def change() -> bool:
            news = _without_given(values, self._record)
            if news.items() <= (self._record.outputs or {}).items():
                return False
            self._changes.last_values |= news
            return True

        with self._lock:
            self._write(change)

    def add_tags(self, tags: Sequence[str], *, reset: bool = False) -> None:
        """Append the tags that are new; with ``reset`` the old ones go.

        Raises:
            OSError: As for ``save``.
        """
        with self._lock:
            self._write(lambda: self._changes.add_tags([*map(to_text, tags)], reset=reset))

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
        """Append a status to the history, and set the status and the times that follow from it.

        Args:
            status: The new status.
            reason: A word for it.
            message: A sentence.
            updated: When it was last reported; ``at`` if not given.
            changed: When the run took this status; ``at`` if not given.
            at: When it happened; now if not given.

        Raises:
            OSError: As for ``save``.
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
            self._write(lambda: self._changes.conditions.append((condition, now)))

    def _write(self, change: Callable[[], bool | None]) -> None:
        """Make a change and write the file; ``change`` returns False where it changes nothing."""
        with self._file_lock.held_or_timeout() as is_exclusive:
            failure = self._catch_up()
            if change() is False and not self._is_changed:
                return
            self._is_changed = True  # also when writing fails: the next save tries again
            self._changes.apply(self._record)
            if failure is not None:
                raise failure  # writing now could discard what another process wrote
            write_json(self._path, self._record.model_dump(mode="json", exclude_none=True))
            self._signature = FileSignature.of(self._path)
            if is_exclusive:  # else the process that holds the lock may overwrite it
                self._is_changed = False
                self._changes = _Changes()

    def _catch_up(self) -> OSError | None:
        """Read what another process wrote meanwhile; the error, if it cannot be read."""
        if self._signature is None:
            return None  # never written: no other process can have changed it
        try:
            signature = FileSignature.of(self._path)
            if signature is not None and signature != self._signature:
                self._record, self._signature = read_record(self._path), signature
                self._changes.apply(self._record)
        except (CacheError, FileNotFoundError):
            pass  # it is damaged: this process's copy replaces it
        except OSError as error:
            return error
        return None
