"""Compare a run's directory with a server that knew the run before this delivery began."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from axonlog.client import Lineage, RunClient, RunData
from axonlog.errors import ServerError
from axonlog.events import FINAL_STATUSES
from axonlog.store import Condition, FileSignature, RunRecord

from ._plan import field_values, handled_conditions, is_event_file, is_same_time
from ._sync_state import SyncState


@dataclass(frozen=True)
class RemoteState:
    """The run as the server has it.

    Attributes:
        run: Its fields.
        history: Type and time of each status condition, without ``created``.
        lineage: Its entries by name; None if the server cannot list them.
        files: Sizes in bytes by path; empty where files are not ours to send.
    """

    run: RunData
    history: tuple[tuple[str, datetime | None], ...]
    lineage: Mapping[str, Lineage] | None
    files: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the server will ignore a status that is not forced."""
        return self.run.status in FINAL_STATUSES

    def other_attempt_at(self, conditions: Sequence[Condition]) -> datetime | None:
        """When something was last heard of an attempt that this directory knows nothing of.

        None if it knows all: then what the server has comes from here.
        """
        known = [item.last_transition_time for item in conditions]
        unknown = [
            time
            for _, time in self.history
            if time is not None and not any(is_same_time(time, other) for other in known)
        ]
        return max(unknown, default=None)

    def is_ahead(self, conditions: Sequence[Condition]) -> bool:
        """Whether such an attempt was heard of after all that ``conditions`` tell of."""
        foreign, own = self.other_attempt_at(conditions), last_transition(conditions)
        return foreign is not None and (own is None or foreign > own)


def last_transition(conditions: Sequence[Condition]) -> datetime | None:
    """When the newest of ``conditions`` was entered."""
    times = [_aware(item.last_transition_time) for item in conditions]
    return max((time for time in times if time is not None), default=None)


def fetch_remote_state(client: RunClient, *, with_files: bool) -> RemoteState:
    """What the server has of the run.

    Raises:
        TransportError: The server did not answer.
        ServerError: It answered with an error; 404 if it does not know the run.
    """
    run = client.get()
    history = tuple(
        (item.type, _aware(item.last_transition_time))
        for item in client.get_statuses().status_conditions
        if item.type != "created"
    )
    lineage = None
    with contextlib.suppress(ServerError):  # then the entries are sent again, which is harmless
        lineage = {entry.name: entry for entry in client.get_lineage()}
    files = client.get_tree_recursive("") if with_files else {}
    return RemoteState(run, history, lineage, files)


def seed(
    state: SyncState,
    there: RemoteState,
    record: RunRecord,
    lineage: Mapping[str, Mapping[str, Any]],
    *,
    attempt_from: int | None,
) -> None:
    """Enter into a sync state what the server turned out to have, apart from files.

    Args:
        state: Is changed. What it knows already stays.
        there: What the server has.
        record: The run document here.
        lineage: The entries here, by name.
        attempt_from: From which status condition on the attempt that is going on wrote them; None
            if none is. What a going attempt logs is news; what else differs from what a newer
            attempt left on the server is old, and stays here.
    """
    is_live = attempt_from is not None
    is_past = not is_live and there.is_ahead(record.status_conditions)
    handled = handled_conditions(
        record.status_conditions,
        there.history,
        attempt_from=len(record.status_conditions) if attempt_from is None else attempt_from,
    )
    state.statuses = max(state.statuses, handled)
    if not state.fields:
        state.fields = known_fields(record, there.run.model_dump(mode="json"), keep_theirs=is_past)
    if not state.lineage and there.lineage is not None:
        for name, entry in lineage.items():
            other = there.lineage.get(name)
            is_event = bool((entry.get("summary") or {}).get("is_event"))
            if other is not None and (_says_same(entry, other) or (is_past and not is_event)):
                state.lineage[name] = dict(entry)


@dataclass(frozen=True)
class Differences:
    """What to do about the files; every path stands in one of these at most.

    Attributes:
        gone: The server had them and has them no more.
        foreign: Event files with rows that another attempt wrote.
        alike: The same size here and there, and nobody knows whether also the same content.
        theirs: The server's is of a newer attempt than the one here.
    """

    gone: tuple[str, ...]
    foreign: tuple[str, ...]
    alike: tuple[str, ...]
    theirs: tuple[str, ...]


def compare(
    state: SyncState,
    there: RemoteState,
    found: Mapping[str, FileSignature],
    *,
    other_attempt_at: datetime | None,
    written_until: datetime | None,
    take_all: bool,
) -> Differences:
    """Compare the files here with those of the server.

    Args:
        state: What this directory sent.
        there: What the server has.
        found: What there is here.
        other_attempt_at: When an attempt was heard of of which this directory knows nothing.
        written_until: When the last attempt here ended: a file that is younger was copied. None
            while one is going on.
        take_all: Also event files that are not here are wanted.
    """
    gone = tuple(path for path in state.files if path not in there.files)
    foreign, alike, theirs = [], [], []
    for path, size in there.files.items():
        signature, sent = found.get(path), state.files.get(path)
        is_as_sent = sent is not None and sent.remote_bytes == size
        if signature is None:
            if take_all and is_event_file(path):
                foreign.append(path)
        elif signature.size_bytes == size and (sent is None or sent.signature != signature):
            alike.append(path)
        elif is_event_file(path):
            is_plain = sent is not None and sent.remote_bytes == sent.signature.size_bytes
            if not is_as_sent or (take_all and not is_plain):
                foreign.append(path)
        elif sent is not None and sent.signature == signature:
            if not is_as_sent and other_attempt_at is not None:
                theirs.append(path)
            elif not is_as_sent:
                gone = (*gone, path)  # half of it arrived, or it was cut: as good as not there
        elif (
            other_attempt_at is not None
            and not is_as_sent
            and not is_newer(signature, other_attempt_at, written_until)
        ):
            theirs.append(path)
    return Differences(gone, tuple(foreign), tuple(alike), tuple(theirs))


def is_newer(signature: FileSignature, moment: datetime, written_until: datetime | None) -> bool:
    """Whether a file was written after ``moment``, but not after ``written_until``."""
    if written_until is not None and written_until < moment:
        return False
    return signature.modified_ns > moment.timestamp() * 1e9


def known_fields(
    record: RunRecord, theirs: Mapping[str, Any], *, keep_theirs: bool = False
) -> dict[str, Any]:
    """The fields of a run document, or parts of them, that need not be sent.

    Args:
        record: The run document here.
        theirs: The fields as the server has them.
        keep_theirs: Also what says something else there need not be.
    """
    known: dict[str, Any] = {}
    for name, here in field_values(record).items():
        other = theirs.get(name)
        if isinstance(here, dict):
            other = other or {}
            known[name] = {
                key: value
                for key, value in here.items()
                if key in other and (keep_theirs or other[key] == value)
            }
        elif isinstance(here, list):
            known[name] = [item for item in here if item in (other or [])]
        elif other == here or (keep_theirs and other):
            known[name] = here
    return known


def _says_same(entry: Mapping[str, Any], other: Lineage) -> bool:
    return (
        entry.get("kind") == other.kind
        and entry.get("path") == other.path
        and (entry.get("summary") or {}) == other.summary
        and bool(entry.get("is_input")) == other.is_input
    )


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=timezone.utc)
