"""Repair runs whose process died."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from axonlog.errors import CacheError
from axonlog.events import FINAL_STATUSES

from ._atomic import PART_PREFIX, PART_SUFFIX
from ._document import Condition, RunDocument
from ._event_files import EventFiles
from ._file_lock import LOCK_TIMEOUT_S
from ._layout import RunDirectory
from ._lineage import Lineage
from ._media_events import encode_event
from ._names import EventNames
from ._owner import Owner, is_owner_alive, liveness, read_owner
from ._replay import JournalReplay, Unreplayed, scan_unreplayed
from ._spool import SpooledEvent, pending_events, replay_events, spooled_by_dead
from ._status_slot import read_status
from .journal import Attempt, attempts_in

_log = logging.getLogger("axonlog")


@dataclass(frozen=True)
class Repair:
    """What was done for a run whose process died.

    Attributes:
        path: The run's directory.
        points: How many points were in the journal only, and are in the event files now.
        dropped_bytes: How much of the journal could not be read: a record that was being written
            when the process died.
        is_lost: Whether the run had no final status and was given ``failed``, ``ProcessLost``.
        events: How many events were in the spool only, and are in the event files now.
    """

    path: Path
    points: int
    dropped_bytes: int
    is_lost: bool
    events: int = 0


def is_alive(path: Path) -> bool:
    """Whether a process writes the run in ``path``, as far as this machine can know.

    A process on this machine is looked up, by more than its pid. One elsewhere (another machine
    on a shared disk, another container) counts as alive until five minutes after its last
    heartbeat.
    """
    return any(is_owner_alive(item.owner) for item in attempts_in(RunDirectory(path).journal))


def is_copy(path: Path) -> bool:
    """Whether ``path`` is a copy of a run, made while it went on, whose ending cannot be known.

    The process may still write the original, so the status in a copy must not be used.
    """
    attempts = attempts_in(RunDirectory(path).journal)
    newest = _status_attempt(attempts)
    return newest is not None and liveness(newest.owner) == "unknown"


def ending_in_journal(path: Path) -> Condition | None:
    """The final status that only the journal of the run in ``path`` has.

    None if the document has it, too, or there is none.

    Raises:
        CacheError: The run document cannot be understood.
        OSError: Something cannot be read.
    """
    directory = RunDirectory(path)
    dead = [item for item in attempts_in(directory.journal) if not is_owner_alive(item.owner)]
    status_attempt = _status_attempt(dead)
    if status_attempt is None or is_alive(path):
        return None
    given = read_status(status_attempt.status)
    if given is None or given.type not in FINAL_STATUSES:
        return None
    return given if _is_missing(given, RunDocument.load(directory.document)) else None


def count_unreplayed(path: Path, *, with_living: bool) -> Unreplayed:
    """What journal and spool of the run in ``path`` hold and its event files do not have.

    Args:
        path: The run's directory.
        with_living: Also that of living processes: their event files are up to a second behind.

    Raises:
        CacheError: The state of the replay cannot be understood.
        OSError: Something there cannot be read.
    """
    journal = scan_unreplayed(
        path, is_counted=lambda item: with_living or not is_owner_alive(item.owner)
    )
    directory = RunDirectory(path)
    spooled = pending_events(directory) if with_living else spooled_by_dead(directory)
    return replace(journal, points=journal.points + len(spooled))


def needs_repair(path: Path) -> bool:
    """Whether a process died while it wrote the run in ``path``, or removed its journal."""
    journal = RunDirectory(path).journal
    attempts = attempts_in(journal)
    if not attempts:
        return journal.is_dir()
    states = {item: liveness(item.owner) for item in attempts}
    # An attempt without points whose process is unknown needs nothing now.
    return any(
        state == "dead" or (state == "unknown" and item.indexes) for item, state in states.items()
    )


def repair(
    path: Path,
    *,
    timeout_s: float = LOCK_TIMEOUT_S,
    encode: Callable[[SpooledEvent], Any] | None = None,
) -> Repair | None:
    """Complete the run in ``path``, if a process died while it wrote it.

    Its journal is replayed into the event files; outputs and lineage follow. If the run has no
    final status and no other process writes it, it gets the one that its process left in the
    journal, or else ``failed``. A copy of a run that may still go on elsewhere gets none. Safe to
    repeat, to interrupt, and to do in two processes at once.

    Args:
        path: The run's directory.
        timeout_s: How long to wait for another process that holds the journal's lock.
        encode: See ``replay_events``; that of `axonlog.media` if None.

    Returns:
        What was done; None if there was nothing to do.

    Raises:
        CacheError: Something there cannot be understood.
        LockTimeoutError: Another process held the lock all the time.
        OSError: Something there cannot be read or written.
    """
    directory = RunDirectory(path)
    if not directory.journal.is_dir():
        with contextlib.suppress(OSError):  # left by a process that died just before removing it
            directory.private.rmdir()
    encode = encode or functools.partial(encode_event, directory)
    if not (spooled_by_dead(directory) or needs_repair(path)) or not directory.document.exists():
        return None
    names = EventNames(directory.names, directory.journal / "names.json")
    document = RunDocument.load(directory.document)
    event_files = EventFiles(directory, document, Lineage(directory.lineage), names)
    replay = JournalReplay(directory, event_files)
    replay.timeout_s = timeout_s
    with replay.between_batches():
        attempts = attempts_in(directory.journal)
        dead = [item for item in attempts if not is_owner_alive(item.owner)]
        is_open = len(dead) < len(attempts)
        is_lost, events = False, 0
        try:
            # First: a disk that is nearly full may take the final status but not all points.
            is_judged = not is_open and not is_copy(path)
            if dead and is_judged:
                is_lost = _record_ending(document, dead)
        finally:
            try:
                points = sum(replay.replay_attempt(attempt) for attempt in dead)
                events = replay_events(directory, event_files, encode)
                event_files.publish(final=True)
            finally:
                event_files.close()
        status_attempt = _status_attempt(attempts)
        for attempt in dead:
            is_kept = (
                not is_judged and status_attempt is not None and attempt.name == status_attempt.name
            )
            replay.remove_attempt(attempt, keeps_status=is_kept)
        if replay.remove_folder_if_empty():
            _remove_temporary_files(path)
    if replay.dropped_bytes:
        _log.info(
            "%s: %d bytes at the end of its journal are no whole record; they were being written "
            "when the process died",
            path,
            replay.dropped_bytes,
        )
    if not dead and not events:
        return None
    return Repair(path, points, replay.dropped_bytes, is_lost, events)


def repair_siblings(
    path: Path,
    *,
    limit: int = 1000,
    encode: Callable[[SpooledEvent], Any] | None = None,
) -> list[Repair]:
    """Repair the runs beside the one in ``path``; at most ``limit`` entries are looked at.

    What cannot be repaired is left as it is: its own next process reports it.

    Raises:
        OSError: The folder cannot be read.
    """
    done = []
    for number, sibling in enumerate(path.parent.iterdir()):
        if number == limit:
            break
        try:
            # In a folder that many users share, only the runs of this user are repaired.
            is_own = sibling != path and sibling.stat().st_uid == os.getuid()
            report = repair(sibling, encode=encode) if is_own else None
        except (CacheError, OSError):
            continue
        if report is not None:
            done.append(report)
    return done


def _remove_temporary_files(path: Path) -> None:
    """Remove temporary files that a dead process left."""
    for leftover in path.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


def _status_attempt(attempts: list[Attempt]) -> Attempt | None:
    """The attempt that decides about the run's status: the newest one that is no guest's."""
    candidates = [item for item in attempts if item.status.exists()] or attempts
    return candidates[-1] if candidates else None


def _is_missing(given: Condition, document: RunDocument) -> bool:
    """Whether a status of the journal is missing in the document."""
    known = document.snapshot().status_conditions
    moment = given.last_transition_time
    if any((item.type, item.last_transition_time) == (given.type, moment) for item in known):
        return False
    newest = known[-1].last_transition_time if known else None
    is_newer = newest is None or moment is None or moment > newest
    return is_newer or (given.type in FINAL_STATUSES and not document.is_final)


def _record_ending(document: RunDocument, dead: list[Attempt]) -> bool:
    """Give a run that nobody writes its final status; whether its process was lost."""
    if document.snapshot().is_managed:
        return False  # the scheduler keeps its status
    status_attempt = _status_attempt(dead)
    given = None if status_attempt is None else read_status(status_attempt.status)
    if given is not None and _is_missing(given, document):
        # A final status; or `running`, of a finished run that was continued.
        document.add_condition(
            given.type,
            reason=given.reason or "",
            message=given.message,
            at=given.last_transition_time,
        )
    return not document.is_final and _record_process_lost(document, dead)


def _record_process_lost(document: RunDocument, dead: list[Attempt]) -> bool:
    record = document.snapshot()
    owner, signs = _last_seen(dead)
    signs += [condition.last_transition_time for condition in record.status_conditions]
    who = f"process {owner.pid} on {owner.host}" if owner else "the process"
    document.add_condition(
        "failed",
        reason="ProcessLost",
        message=f"{who} ended without a final status: it was killed, or the machine went down",
        # Not now: the repair may come weeks later. Times of files are a little behind the clock.
        at=max((sign for sign in signs if sign is not None), default=None),
    )
    return True


def _last_seen(dead: list[Attempt]) -> tuple[Owner | None, list[datetime | None]]:
    """The newest owner, if one can be read, and when files of these attempts were last written."""
    owner: Owner | None = None
    signs: list[datetime | None] = []
    for attempt in dead:
        with contextlib.suppress(OSError, CacheError):
            owner = read_owner(attempt.owner)
        for path in (attempt.owner, *(attempt.segment(index) for index in attempt.indexes)):
            with contextlib.suppress(OSError):
                signs.append(datetime.fromtimestamp(path.stat().st_mtime, timezone.utc))
    return owner, signs
