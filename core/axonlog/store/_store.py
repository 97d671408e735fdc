"""A run's directory, open for writing."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from axonlog.errors import ContextError
from axonlog.events import Status

from ._document import Condition, RunDocument, RunRecord, read_record
from ._event_files import EventFiles
from ._file_lock import LOCK_TIMEOUT_S, FileLock, LockTimeoutError, ThreadLock
from ._layout import RunDirectory
from ._lineage import Lineage
from ._names import EventNames
from ._owner import HEARTBEAT_INTERVAL_S, is_owner_alive, this_process
from ._repair import repair
from ._replay import JournalReplay, lock_path
from ._spool import Spool
from ._status_slot import reserve_status, write_status
from .journal import Attempt, Journal, attempts_in, new_attempt

_log = logging.getLogger("axonlog")

# How long the start of a run waits for another process that holds its lock.
_OPEN_TIMEOUT_S = 2.0


def _always() -> bool:
    return True


def _raise(points: int, error: OSError) -> None:
    raise error


class RunStore:
    """Everything of one run on disk: journal, document, lineage, events, outputs.

    Points are in the journal at once. The event files, and what is derived from them (the last
    values among the outputs, the summaries in the lineage), follow with ``refresh``.
    """

    def __init__(
        self,
        directory: RunDirectory,
        document: RunDocument,
        lineage: Lineage,
        event_files: EventFiles,
        journal: Journal,
        *,
        is_guest: bool = False,
    ) -> None:
        self.directory = directory
        self.document = document
        self.lineage = lineage
        self.journal = journal
        self.spool = Spool(directory, journal.attempt.name)
        self._event_files = event_files
        self._replay = JournalReplay(directory, event_files)
        self._refreshing = ThreadLock(f"{directory.journal}: the journal")
        self._is_guest = is_guest
        self._is_closed = False
        self._heartbeat_due_s = time.monotonic() + HEARTBEAT_INTERVAL_S

    @classmethod
    def open(
        cls,
        path: Path,
        fresh: RunRecord,
        *,
        accepts_records: Callable[[], bool] = _always,
        on_lost: Callable[[int, OSError], None] = _raise,
        is_guest: bool = False,
    ) -> RunStore:
        """Open the run in ``path``: the one that is there, or else ``fresh``.

        What a dead process has left there is repaired first. If another process holds the lock,
        a warning says so, and the next opening repairs it.

        Args:
            path: The run's directory.
            fresh: The run document to begin with.
            accepts_records: See ``Journal``.
            on_lost: See ``Journal``.
            is_guest: Whether another process sets the run's status.

        Raises:
            ContextError: Another run lives there.
            CacheError: What is there cannot be read.
            OSError: The directory cannot be made or written.
        """
        directory = RunDirectory(path)
        directory.create()
        timeout_s = _OPEN_TIMEOUT_S
        if directory.document.exists():
            uuid = read_record(directory.document).uuid
            if uuid != fresh.uuid:
                raise ContextError(
                    f"{path} holds run {uuid}, not {fresh.uuid}: pass another "
                    "artifacts_path=, or run_uuid= to continue the run that is there"
                )
            try:
                repair(path, timeout_s=timeout_s)
            except LockTimeoutError as error:
                timeout_s = 0.0
                _log.warning(
                    "%s: an earlier process left points in the journal; they are "
                    "kept, and brought into the event files later: %s",
                    path,
                    error,
                )
            document = RunDocument.load(directory.document)
        else:
            document = RunDocument(directory.document, fresh)
        lineage = Lineage(directory.lineage)
        names = EventNames(directory.names, directory.journal / "names.json")
        attempt = _begin_attempt(directory, is_guest=is_guest, timeout_s=timeout_s)
        try:
            journal = Journal(attempt, accepts_records=accepts_records, on_lost=on_lost)
        except OSError:
            _abandon_attempt(attempt)
            raise
        event_files = EventFiles(directory, document, lineage, names)
        document.save()
        return cls(directory, document, lineage, event_files, journal, is_guest=is_guest)

    @property
    def activity(self) -> int:
        """A number that changes with each event that is recorded."""
        return self.journal.size_bytes + self._event_files.events_appended

    def append_event(
        self, kind: str, name: str, step: int | None, timestamp: datetime, value: Any
    ) -> None:
        """Add one event of any kind but metrics, which go through the journal.

        Args:
            kind: Of the event.
            name: Of the series.
            step: Of the event.
            timestamp: With a time zone.
            value: A string for text and HTML; for other kinds a mapping, or a string of JSON.

        Raises:
            EventError: The name cannot be used.
            OSError: The row could not be written.
        """
        self._event_files.append_event(kind, name, step, timestamp, value)

    def record_status(self, status: Status, *, reason: str, message: str | None) -> None:
        """Record a status of the run.

        It is written to reserved bytes of the journal first. If the run document cannot be written
        then, the next save or the repair of the run adds it.

        Raises:
            OSError: It is nowhere on disk.
        """
        now = datetime.now(timezone.utc)
        kept = self._journal_status(
            Condition(
                type=status,
                reason=reason,
                message=message,
                last_update_time=now,
                last_transition_time=now,
            )
        )
        try:
            self.document.add_condition(status, reason=reason, message=message, at=now)
        except OSError as error:
            if not kept:
                raise
            _log.info("%s: %s is in the journal only: %s", self.directory.document, status, error)

    def journal_final_status(self) -> None:
        """Write the newest status of the run document to the journal, too."""
        for condition in self.document.snapshot().status_conditions[-1:]:
            self._journal_status(condition)

    def keep_last_values(self, values: Mapping[str, float]) -> None:
        """Set numbers among the outputs with the next refresh, without an event file.

        Raises:
            EventError: A name cannot be used.
        """
        self._event_files.keep_last_values(values)

    def refresh(
        self, *, final: bool = False, timeout_s: float = LOCK_TIMEOUT_S, deadline: float = math.inf
    ) -> bool:
        """Update event files, outputs, flags and summaries to what has been logged.

        Args:
            final: Update every summary, however little its file has grown.
            timeout_s: How long to wait for another thread or process that holds the lock.
            deadline: When to stop after a batch, by ``time.monotonic``.

        Returns:
            Whether all points are in the event files; see ``JournalReplay.own``.

        Raises:
            LockTimeoutError: Others held the lock all the time; the journal keeps everything.
            OSError: A file could not be read or written; the next refresh tries again.
        """
        if not self._refreshing.acquire(timeout_s=timeout_s):
            raise self._is_busy(timeout_s)
        try:
            self._replay.timeout_s = timeout_s
            self.document.save()
            if not final:
                self._look_ahead()
            is_complete = self._replay.replay_journal(self.journal, deadline=deadline)
            for attempt in self._dead_attempts():
                # A guest does not decide how the run's own process ended: the repair does.
                is_kept = self._is_guest and attempt.status.exists()
                if attempt.indexes or not is_kept:
                    self._replay.replay_attempt(attempt)
                    self._replay.remove_attempt(attempt, keeps_status=is_kept)
            self._event_files.publish(final=final)
        finally:
            self._refreshing.release()
        return is_complete

    def merge_remote(self, path: Path, remote: bytes) -> None:
        """Merge the rows that the server's copy of an event file has and the local one lacks.

        Raises:
            OSError: The file cannot be replaced.
        """
        with self._refreshing:
            with self._replay.between_batches():
                self._event_files.merge_remote(path, remote)
            if self._is_closed:  # delivery goes on after it, but no refresh does
                self._event_files.publish(final=True)
                self._replay.remove_folder_if_empty()

    def close(self, *, timeout_s: float = LOCK_TIMEOUT_S, deadline: float = math.inf) -> bool:
        """Refuse further points, refresh for the last time and close the files.

        Args:
            timeout_s: See ``refresh``.
            deadline: See ``refresh``.

        Returns:
            Whether all points and spooled events are in the event files. If not, then journal or
            spool stay for the next opening: the deadline is over, or a signal handler called this
            in the middle of a refresh.

        Raises:
            OSError: As ``refresh``; the journal stays then too.
        """
        self.journal.close()
        is_complete = False
        # The thread that holds it may be waiting for this one, if a signal handler interrupted it.
        is_held = self._refreshing.acquire(timeout_s=timeout_s)
        try:
            if not is_held:
                raise self._is_busy(timeout_s)
            if self.refresh(final=True, timeout_s=timeout_s, deadline=deadline):
                self.spool.close()
                is_complete = not self.spool.pending()
                if self.document.is_saved:  # else only the journal may have the final status
                    self._replay.remove_attempt(self.journal.attempt)
        finally:
            self._is_closed = True
            if is_held:
                self._event_files.close()
                self.journal.release()
                self._refreshing.release()
            # Without it the attempt counts as that of a dead process.
            with contextlib.suppress(OSError):
                self.journal.attempt.owner.unlink(missing_ok=True)
        return is_complete

    def _is_busy(self, timeout_s: float) -> LockTimeoutError:
        return LockTimeoutError(
            f"{self.directory.journal}: another thread has been reading it, or waiting for another "
            f"process that holds its lock, for {timeout_s:.1f} seconds"
        )

    def _journal_status(self, condition: Condition) -> bool:
        """Whether it is in the journal."""
        if self._is_guest:
            return False
        try:
            write_status(self.journal.attempt.status, condition)
        except OSError as error:
            _log.debug("%s: cannot keep %s: %s", self.directory.path, condition.type, error)
            return False
        return True

    def _look_ahead(self) -> None:
        with contextlib.suppress(OSError):  # a log call that needs the segment reports it
            self.journal.prepare()
        if time.monotonic() >= self._heartbeat_due_s:
            self._heartbeat_due_s = time.monotonic() + HEARTBEAT_INTERVAL_S
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.journal.attempt.owner)

    def _dead_attempts(self) -> list[Attempt]:
        """Attempts of other processes of this run that are dead."""
        return [
            attempt
            for attempt in attempts_in(self.directory.journal)
            if attempt.name != self.journal.attempt.name and not is_owner_alive(attempt.owner)
        ]


def _begin_attempt(directory: RunDirectory, *, is_guest: bool, timeout_s: float) -> Attempt:
    """An attempt of this process, with its owner file and reserved bytes for its status."""
    attempt = new_attempt(directory.journal)
    lock = FileLock(lock_path(directory))
    # Another process may be removing the folder. One that holds the lock longer does not.
    with lock.held_if_free(timeout_s=timeout_s):
        attempt.folder.mkdir(parents=True, exist_ok=True)
        try:
            this_process().write(attempt.owner)
            if not is_guest:
                reserve_status(attempt.status)
        except OSError:
            _abandon_attempt(attempt)
            raise
    return attempt


def _abandon_attempt(attempt: Attempt) -> None:
    """Remove the files by which the run would count as written by this process."""
    for file in (attempt.owner, attempt.status):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
