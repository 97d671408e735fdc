"""What is told of a run besides its files: status, fields, lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from axonlog.client import RunClient
from axonlog.errors import ServerError
from axonlog.events import FINAL_STATUSES, ArtifactKind
from axonlog.store import Condition, RunDirectory, RunRecord, is_copy, read_lineage, read_record

from ._attempts import Attempts
from ._local_files import CachedFile
from ._merged_summary import merged_summary
from ._plan import (
    changed_fields,
    changes_interval_s,
    due_conditions,
    field_values,
    handled_conditions,
    is_changing,
)
from ._remote_state import RemoteState, known_fields, seed
from ._sync_state import SyncState, SyncStateFile

# Of a thousand entries in one request the server's database makes one expression, and fails inside:
# SQLite allows a depth of 1000. An entry takes about a millisecond, on a busy server ten.
_LINEAGE_AT_ONCE = 400

# The server fails inside at any other kind. A user's own goes into the summary there.
_KINDS = frozenset(kind.value for kind in ArtifactKind)


class MetadataSync:
    """Tells the server what a run's two documents say, and it has not heard yet.

    Args:
        directory: The run.
        state_file: What the server has heard.
        attempts: Keeps the failures.
        attempt_from: From which status condition on the attempt that is going on wrote them; None
            where none is going on.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        directory: RunDirectory,
        state_file: SyncStateFile,
        attempts: Attempts,
        *,
        attempt_from: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = directory.path
        self._tmp_dir = directory.private / "tmp"
        self._state_file = state_file
        self._attempts = attempts
        self._own_from = attempt_from
        self._clock = clock
        self._began_at = self._changes_at = clock()
        self._record = CachedFile(directory.document, read_record)
        self._lineage = CachedFile(directory.lineage, _entries_by_name)
        self._joined: dict[str, dict[str, Any] | None] = {}
        self._is_final_there = False

    @property
    def record(self) -> RunRecord:
        """The run document as it is now.

        Raises:
            CacheError: It is none.
            OSError: It cannot be read.
        """
        return self._record.get()

    @property
    def _state(self) -> SyncState:
        return self._state_file.state

    def record_known(self, theirs: RunRecord) -> None:
        """Note that the server has this much of the run."""
        for name, value in known_fields(self.record, field_values(theirs)).items():
            self._state.fields.setdefault(name, value)

    def meet(self, there: RemoteState) -> None:
        """Find out, once, what the server has heard without our having noted it."""
        self._is_final_there = there.is_final
        seed(self._state, there, self.record, self._lineage.get(), attempt_from=self._own_from)

    def missing(self) -> Iterator[tuple[str, str, object]]:
        """Kind, name and version of everything that the server has not heard."""
        for position, condition, _ in self._due_conditions(with_final=True):
            yield "status", str(position), condition.type
        record = self.record
        values = field_values(record)
        for name in changed_fields(record, dict(self._state.fields)):
            yield "field", name, values[name]
        for name, entry in self._changed_lineage().items():
            yield "lineage", name, entry

    def note_joined(self, path: str, content: bytes) -> None:
        """An event file was joined with the server's on its way: the lineage must tell of all."""
        self._joined[path] = merged_summary(path, content, self._tmp_dir)
        for name, entry in self._lineage.get().items():
            if entry.get("path") == path:
                self._state.lineage.pop(name, None)

    def forget_lost(self, there: RemoteState) -> bool:
        """Compare what was sent with what the server has; whether something has got lost.

        What the server has otherwise than here stays: somebody may have changed it there.
        """
        state, lost = self._state, False
        record = self.record
        handled = handled_conditions(
            record.status_conditions, there.history, attempt_from=len(record.status_conditions)
        )
        is_told = ("status", str(len(record.status_conditions) - 1)) in self._attempts.sent
        is_ignored = is_told and record.status in FINAL_STATUSES - {there.run.status}
        if handled < state.statuses or is_ignored:
            self._is_final_there = there.is_final
            state.statuses = min(handled, len(record.status_conditions) - is_ignored)
            lost = bool(self._due_conditions(with_final=True))
        remote = there.run.model_dump(mode="json")
        for name, value in list(state.fields.items()):
            kept = _still_there(value, remote.get(name))
            if kept != value:
                state.fields[name] = kept
                lost = True
        if there.lineage is not None:
            for name in state.lineage.keys() - there.lineage.keys():
                del state.lineage[name]
                lost = True
        return lost

    def send_conditions(self, client: RunClient, *, with_final: bool) -> None:
        """Tell of the statuses, in their order; ``with_final`` of an ending, too.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
            RunGoneError: It does not know the run.
        """
        for position, condition, forced in self._due_conditions(with_final=with_final):
            send = partial(_send_condition, client, condition, forced or self._is_final_there)
            name, version = str(position), condition.type
            if self._attempts.attempt("status", name, version, send):
                self._state.statuses = position + 1
            elif not self._attempts.tracker.is_failed("status", name, version):
                return  # their order counts

    def _due_conditions(self, *, with_final: bool) -> list[tuple[int, Condition, bool]]:
        conditions = self.record.status_conditions
        # The ending of a run whose process may go on elsewhere is the original's to send.
        may_end = with_final and not is_copy(self._path)
        return due_conditions(conditions, self._state.statuses, with_final=may_end)

    def send_fields(self, client: RunClient, *, final: bool) -> None:
        """Tell of the fields; of those that change all the time only now and then, or if ``final``.

        Raises:
            AxonlogError: As for ``send_conditions``.
        """
        record = self.record
        values = field_values(record)
        changed = changed_fields(record, self._state.fields)
        pause_s = changes_interval_s(self._clock() - self._began_at)
        if not final and self._clock() - self._changes_at < pause_s:
            changed = {name: change for name, change in changed.items() if not is_changing(name)}
        if any(is_changing(name) for name in changed):
            self._changes_at = self._clock()
        for merge in (True, False):
            group = {
                name: value
                for name, (value, is_merged) in changed.items()
                if is_merged is merge and self._may_try("field", name, values[name])
            }
            self._send_group(
                "field", group, versions=values, send=partial(_update, client, merge), into=values
            )

    def send_lineage(self, client: RunClient) -> None:
        """Tell of the lineage.

        Raises:
            AxonlogError: As for ``send_conditions``.
        """
        group = {
            name: entry
            for name, entry in self._changed_lineage().items()
            if self._may_try("lineage", name, entry)
        }
        names = list(group)
        for start in range(0, len(names), _LINEAGE_AT_ONCE):
            part = names[start : start + _LINEAGE_AT_ONCE]
            self._send_group(
                "lineage",
                {name: self._told(group[name]) for name in part},
                versions=group,
                send=lambda entries: client.log_lineage(list(entries.values())),
                into=group,
            )
            self._state_file.save_soon()

    def _send_group(
        self,
        kind: str,
        group: dict[str, Any],
        *,
        versions: dict[str, Any],
        send: Callable[[dict[str, Any]], None],
        into: dict[str, Any],
    ) -> None:
        """All at once; if the server does not take that, one by one: it may be one of them."""
        if not group:
            return
        known = self._state.fields if kind == "field" else self._state.lineage
        if len(group) > 1 and self._attempts.attempt_all(kind, group, partial(send, group)):
            known.update({name: into[name] for name in group})
            return
        for name, value in group.items():
            if self._attempts.attempt(kind, name, versions[name], partial(send, {name: value})):
                known[name] = into[name]

    def _may_try(self, kind: str, name: str, version: object) -> bool:
        return self._attempts.tracker.may_try(kind, name, version)

    def _changed_lineage(self) -> dict[str, dict[str, Any]]:
        known = self._state.lineage
        local = self._lineage.get()
        return {name: entry for name, entry in local.items() if entry != known.get(name)}

    def _told(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry as the server is told of it, which may have more rows of the file than here."""
        joined = self._joined.get(str(entry.get("path")))
        kind, summary = entry["kind"], entry.get("summary") if joined is None else joined
        if kind not in _KINDS:
            kind, summary = ArtifactKind.ARTIFACT.value, {**(summary or {}), "kind": kind}
        return {**entry, "kind": kind, "summary": summary}


def _still_there(value: Any, remote: Any) -> Any:
    """What of a field is not missing on the server, whatever it says there."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is None or key in (remote or {})}
    return type(value)() if value and not remote else value


def _entries_by_name(path: Path) -> dict[str, dict[str, Any]]:
    return {entry.name: entry.model_dump(mode="json") for entry in read_lineage(path)}


def _send_condition(client: RunClient, condition: Condition, forced: bool) -> None:
    client.log_status(
        condition.type,
        reason=condition.reason,
        message=condition.message,
        last_update_time=condition.last_update_time,
        last_transition_time=condition.last_transition_time,
        force=forced,
    )


def _update(client: RunClient, merge: bool, fields: dict[str, Any]) -> None:
    answer = client.update(merge=merge, **fields)
    if answer.uuid != client.run_uuid:
        raise ServerError(
            f"the server answered about run {answer.uuid} instead of {client.run_uuid}",
            status=200,
        )
