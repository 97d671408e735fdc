"""Bring what a run's directory holds to the server."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from axonlog.client import RunClient
from axonlog.errors import CacheError, ServerError
from axonlog.events import FINAL_STATUSES
from axonlog.store import FileLock, FileSignature, RunDirectory, RunRecord, count_unreplayed

from ._attempts import Attempts, RunGoneError
from ._failure_tracker import FailureTracker
from ._file_sync import FileSync, MergeRemote
from ._local_files import find_files
from ._metadata_sync import MetadataSync
from ._polyaxon_store import FileUploader
from ._registration import register
from ._remote_state import RemoteState, fetch_remote_state, last_transition
from ._report import DeliveryReport
from ._sync_state import SyncState, SyncStateFile

# The note on what the server has, among the private files of the run.
STATE_FILE = "delivery.json"

# What the server answers with an empty page is looked up afterwards; so often, then it is believed.
_MAX_CHECKS = 2

# Between two looks for somebody who writes over what we wrote.
_RIVAL_S = 1.0


class Delivery:
    """One run's way to one server.

    It reads the directory and nothing else, so it works while the run goes on, after it, and in
    another process. Repeating it sends only what differs from what the server answered to have.

    Args:
        directory: The run.
        client: Where it goes; owner, project and run_uuid are set.
        merge_remote: Called with an event file's path and the server's copy of it, when the server
            holds rows that were logged elsewhere: puts them before those that are here. Without
            it the directory stays as it is, and both are joined on the way to the server.
        with_files: False where something else uploads the files, as in a cluster.
        attempt_from: From which status condition on the attempt that is going on wrote them; None
            where none is going on.
        on_bytes: Called with the number of bytes of files that have just gone out.
        clock: Seconds that only go forward.
        pause: Waits some seconds.

    Attributes:
        client: May be replaced by one with other credentials.
        bytes_sent: Of files, also in uploads that were interrupted.
        is_held_elsewhere: Whether somebody else was delivering this directory at the last step.
    """

    def __init__(
        self,
        directory: RunDirectory,
        client: RunClient,
        *,
        merge_remote: MergeRemote | None = None,
        with_files: bool = True,
        attempt_from: int | None = None,
        on_bytes: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.client = client
        self.is_held_elsewhere = False
        self._pause = pause
        self.label = f"run {client.run_uuid}"
        self._with_files = with_files
        self._is_live = attempt_from is not None
        self.bytes_sent = 0
        self._on_bytes = on_bytes
        self._directory = directory
        self._private = directory.private
        destination = f"{client.client.connection.host}/{client.owner}/{client.project}"
        self._state_file = SyncStateFile(self._private / STATE_FILE, destination, clock=clock)
        self._attempts = Attempts(FailureTracker(clock=clock), label=self.label)
        self._tmp_dir = self._private / "tmp"
        self._documents = MetadataSync(
            directory, self._state_file, self._attempts, attempt_from=attempt_from, clock=clock
        )
        self._files = FileSync(
            directory.path,
            self._state_file,
            FileUploader(directory.path, self._tmp_dir, self._count_bytes),
            self._attempts,
            merge_remote=merge_remote,
            on_joined=self._documents.note_joined,
            label=self.label,
            clock=clock,
        )
        self._lock = delivery_lock(directory)
        self._journal = _Journal()
        self._has_met = False
        self._was_gone = False
        self._checks = 0
        self._clock = clock
        self._final_since: float | None = None

    @property
    def _state(self) -> SyncState:
        return self._state_file.state

    def record_known(self, record: RunRecord) -> None:
        """Note that the server has this much of the run: it just said so.

        Raises:
            OSError: The note cannot be written.
        """
        self._state.is_registered = True
        self._documents.record_known(record)
        self._state_file.save()

    def record_registered(self) -> None:
        """Note that the server has just made this run, empty.

        Raises:
            OSError: The note cannot be written.
        """
        self._state.is_registered = self._has_met = True
        self._state_file.save()

    def retry_now(self, *, is_last: bool = False) -> None:
        """Try at once whatever failed and may get better.

        Args:
            is_last: Somebody waits for the end: also from now on only short pauses.
        """
        self._attempts.tracker.retry_now(is_last=is_last)

    def pending_reason(self) -> str | None:
        """Why something is pending although the server answers, in words."""
        error = self._attempts.tracker.last_error()
        return None if error is None else str(error)

    def step(self, *, final: bool, is_locked: bool = False) -> bool:
        """Send what is due; whatever fails stays due.

        Args:
            final: The run has ended or pauses: send whatever differs.
            is_locked: The caller sees to it that nobody else delivers this directory meanwhile.

        Returns:
            Whether there is more to send at once.

        Raises:
            TransportError: The server did not answer.
            ServerError: It is in no state to take anything, or takes nothing of one kind.
            AxonlogError: The directory holds something else than a run.
            OSError: It cannot be read.
        """
        if is_locked:
            return self._step(final=final)
        with self._lock.held_if_free() as is_mine:
            # Somebody else who delivers the same directory does our work.
            self.is_held_elsewhere = not is_mine
            return self._step(final=final) if is_mine else False

    def report(self, *, is_fresh: bool = False) -> DeliveryReport:
        """The counts of this moment; any thread may ask.

        Args:
            is_fresh: Look at the files; else the last look of a step counts.

        Raises:
            AxonlogError: The directory holds something else than a run.
            OSError: It cannot be read.
        """
        pending, failed, size = [], 0, 0
        tracker, found = self._attempts.tracker, self._files.found
        journal = self._journal
        if is_fresh:
            journal = self._look_at_journal()
            if self._with_files:
                found = find_files(self._directory.path)
        for kind, name, version in self._missing(found):
            if tracker.is_failed(kind, name, version):
                failed += 1
            else:
                pending.append((kind, name))
                size += found[name].size_bytes if kind == "file" and name in found else 0
        return DeliveryReport(
            sent=len(self._attempts.sent - set(pending)),
            pending=len(pending),
            failed=failed,
            bytes_sent=self.bytes_sent,
            pending_bytes=size,
            state="sending" if pending or journal.is_behind else "delivered",
            kept_back=tuple(sorted(self._files.kept_back)),
            unreplayed_points=journal.points,
            journal_error=journal.error,
        )

    def _step(self, *, final: bool) -> bool:
        self._state_file.refresh()
        if not final:
            self._final_since = None
        elif self._final_since is None:
            self._final_since = self._clock()
        self._attempts.begin_step()
        self._clear_tmp_dir()
        if final:
            # Before the look at the files: what is not in the journal any more is in them then.
            self._journal = self._look_at_journal()
        if self._with_files:
            self._files.look()
        try:
            self._register()
            self._meet()
            self._documents.send_conditions(self.client, with_final=False)
            self._documents.send_fields(self.client, final=final)
            has_more = self._with_files and self._files.send(self.client, final=final)
            self._documents.send_lineage(self.client)
            # An ending is entered before the last rows are in their files.
            is_ready = not self._journal.is_behind and not self._is_anything_pending(but="status")
            if final and not has_more and is_ready:
                # What was sent long ago may be gone; an ending says that everything is there.
                has_more = self._compare_files()
                if not has_more:
                    self._documents.send_conditions(self.client, with_final=True)
            if final and not has_more:
                has_more = self._check()
            self._attempts.end_step()
        except RunGoneError as error:
            self._start_again(error)
            return True
        finally:
            # The directory may be the one that is full; what was sent is asked for again then.
            with contextlib.suppress(OSError):
                self._state_file.save()
            with contextlib.suppress(OSError):  # nothing was put there, or something cannot go
                self._tmp_dir.rmdir()
        return has_more

    def _clear_tmp_dir(self) -> None:
        """Remove what a delivery that was killed left; the lock says that nobody else is at it."""
        # Also those that an earlier version made, each with a name of its own.
        for left in self._private.glob("tmp*"):
            shutil.rmtree(left, ignore_errors=True)

    def _start_again(self, error: RunGoneError) -> None:
        """Once: the server may have lost the run, or have been replaced by an empty one."""
        if self._was_gone:
            raise error.__cause__ or error
        self._was_gone = True
        self._has_met = False
        self._state_file.start_again()

    def _register(self) -> None:
        if not self._state.is_registered:
            self._has_met = register(self.client, self._documents.record)
            self._state.is_registered = True

    def _meet(self) -> None:
        if self._has_met:
            return
        there = self._ask(with_files=self._with_files)
        self._documents.meet(there)
        if self._with_files:
            self._meet_files(there)
        self._has_met = True

    def _meet_files(self, there: RemoteState) -> None:
        conditions = self._documents.record.status_conditions
        written_until = None if self._is_live else last_transition(conditions)
        self._files.meet(self.client, there, there.other_attempt_at(conditions), written_until)

    def _compare_files(self) -> bool:
        """Compare the server's files with the sync state; whether something has to be sent."""
        since = self._final_since
        if not self._with_files or since is None or self._files.is_confirmed_since(since):
            return False
        self._meet_files(self._ask(with_files=True))
        return self._is_anything_pending(but="status")

    def _ask(self, *, with_files: bool) -> RemoteState:
        try:
            return fetch_remote_state(self.client, with_files=with_files)
        except ServerError as error:
            if error.status == 404:
                raise RunGoneError(str(error)) from error
            raise

    def _missing(self, found: Mapping[str, FileSignature]) -> Iterator[tuple[str, str, object]]:
        """Kind, name and version of everything that the server does not have as it is here."""
        files = self._state.files
        for path, signature in found.items():
            if (sent := files.get(path)) is None or sent.signature != signature:
                yield "file", path, signature
        yield from self._documents.missing()

    def _is_anything_pending(self, *, but: str | None = None) -> bool:
        is_failed = self._attempts.tracker.is_failed
        return any(
            kind != but and not is_failed(kind, name, version)
            for kind, name, version in self._missing(self._files.found)
        )

    def _check(self) -> bool:
        """Look up, at the end, what the server answered with an empty page or may have lost since.

        Returns:
            Whether something has to be sent again.
        """
        if self._is_anything_pending():
            return False
        if self._files.is_contested:
            # Their last upload may just be on its way: one that they began before they could
            # see ours.
            self._files.is_contested = False
            self._pause(_RIVAL_S)
            if self._files.check_concurrent_uploads(self.client):
                return True
        if self._checks >= _MAX_CHECKS:
            return False
        self._checks += 1
        return self._documents.forget_lost(self._ask(with_files=False))

    @property
    def is_held_by_journal(self) -> bool:
        """Whether all that is missing is an ending that waits for the journal, as of this step.

        Nobody brings over what a process has left that has closed the run: that is for `sync`.
        """
        return self._journal.is_behind and not self._is_anything_pending(but="status")

    def _look_at_journal(self) -> _Journal:
        # A run that goes on is always a second behind, which is no fault. One that is over, or
        # pauses, is complete when it is not behind any more.
        is_over = self._documents.record.status in FINAL_STATUSES
        try:
            waiting = count_unreplayed(self._directory.path, with_living=is_over)
        except (CacheError, OSError) as error:
            return _Journal(error=str(error))
        if not waiting.unreadable:
            return _Journal(waiting.points)
        files = ", ".join(map(str, waiting.unreadable))
        return _Journal(waiting.points, f"no part of a journal, or one of a newer axonlog: {files}")

    def _count_bytes(self, size: int) -> None:
        self.bytes_sent += size
        self._on_bytes()


@dataclass(frozen=True)
class _Journal:
    """What the run's journal holds and its files do not have."""

    points: int = 0
    error: str | None = None

    @property
    def is_behind(self) -> bool:
        return bool(self.points or self.error)


def delivery_lock(directory: RunDirectory) -> FileLock:
    """What whoever delivers the run holds."""
    return FileLock(directory.private / "delivery.lock")
