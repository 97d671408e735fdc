"""What stands behind a run: its directory, its threads, its way to the server."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axonlog.context import Context
from axonlog.errors import AxonlogError, ContextError
from axonlog.events import FINAL_STATUSES, Status
from axonlog.store import (
    LOCK_TIMEOUT_S,
    BackgroundFlusher,
    RunRecord,
    RunStore,
    repair_siblings,
    to_text,
)

from . import _logging
from ._end_budget import EndBudget, end_timeout_s
from ._exit_hooks import EXIT_HOOKS, RunOutcome
from ._media_writer import MediaWriter

# What talks to a server takes a quarter of the first `init` to import: for runs that have one.
if TYPE_CHECKING:
    from axonlog.delivery import DeliveryReport, Uploader

    from ._registration import Registration

_log = logging.getLogger("axonlog")

# The word that the original writes beside each status, and that people filter by.
DEFAULT_REASON = "PolyaxonClient"

# The training thread waits for what `settle` brings into the event files.
_REFRESH_TIMEOUT_S = 2.0

# Of the time that is left at the end, what one lock may take: the others need theirs too.
_LOCK_SHARE = 0.25
_SHORTEST_LOCK_S = 0.2

_MESSAGES = {"succeeded": "Operation has succeeded", "stopped": "Operation is stopped"}


class Recorder:
    """Records one run, from its first status to its last.

    Args:
        context: Where the run belongs.
        is_guest: In a process that another one's run was handed to: it records, and the run's
            status, its ending and its delivery are the other one's.

    Raises:
        ContextError: The run cannot be where the context says.
        AuthenticationError: The server refuses the credentials.
        ServerError: It refuses the run.
    """

    def __init__(self, context: Context, *, is_guest: bool = False) -> None:
        self.context = context
        self.is_ended = False
        self.is_strict = context.strict.value
        self.process = os.getpid()
        self._is_guest = is_guest
        self.is_settled = False
        self._lost_records = 0
        self._warned_process = self.process
        # Reentrant: a SIGTERM handler ends the run in the thread that may be ending it.
        self._ending = threading.RLock()
        self._dropped_kinds: set[str] = set()
        self._background_threads: list[threading.Thread] = []
        self._uploader: Uploader | None = None
        self._final_report: DeliveryReport | None = None
        self.end_timeout_s = end_timeout_s()

        fresh = _fresh_record(context)
        registration: Registration | None = None
        if not (context.is_offline.value or is_guest):
            from ._registration import as_local, register_run

            registration = register_run(context, fresh)
            if registration.is_local:
                context = self.context = as_local(context)
                registration = None
        known = None if registration is None else registration.server_record
        path = Path(context.artifacts_path.value or "")
        try:
            self.store = RunStore.open(
                path,
                known or fresh,
                accepts_records=self.accepts_records,
                on_lost=self._count_loss,
                is_guest=is_guest,
            )
        except OSError as error:
            raise ContextError(
                f"{path} (from {context.artifacts_path.source}) cannot be the run's directory: "
                f"{error}; pass artifacts_path= or go to a directory that can be written"
            ) from error
        self.media = MediaWriter(self.store, self.tolerating_disk_failure)
        self._flusher = BackgroundFlusher(self.store)
        attempt_from = len(self.store.document.snapshot().status_conditions)
        if not is_guest:
            self._set_first_status()
        self._flusher.start()
        if registration is not None:
            self._start_delivery(registration, attempt_from=attempt_from)
        if not is_guest:
            self._repair_siblings()
        EXIT_HOOKS.register(self)
        self._started_s = time.monotonic()
        if not is_guest:
            is_reachable = registration is None or registration.failure is None
            _logging.log_start(context, self.store.document.name, is_reachable=is_reachable)

    @property
    def delivery(self) -> DeliveryReport | None:
        """What has been delivered at this moment; None where nothing is to be."""
        if self._final_report is not None or self._uploader is None:
            return self._final_report
        return self._uploader.report

    @property
    def activity(self) -> int:
        """A number that changes with each event that is recorded."""
        return self.store.activity

    def newest_outputs(self) -> Mapping[str, Any]:
        """The last value of each metric, and the other outputs, as far as they are on disk."""
        if self.process == os.getpid() and not self.is_ended:
            # What others keep busy, or the disk does not take now, is shown as of a moment ago.
            with contextlib.suppress(OSError):
                self.store.refresh(final=True, timeout_s=_REFRESH_TIMEOUT_S)
        return self.store.document.snapshot().outputs or {}

    def accepts_records(self) -> bool:
        """Whether a record is to be entered now; sets a settled run running again.

        Raises:
            AxonlogError: The run has ended.
        """
        if self.process != os.getpid():
            self._warn_forked_child()
            return False  # a forked child: the parent alone writes
        if self.is_ended:
            uuid = self.context.run_uuid.value
            raise AxonlogError(
                f"run {uuid} has ended ({self.store.document.status}): call init() for another "
                f"one, or init(run_uuid={uuid!r}) to continue it"
            )
        if self.is_settled:
            self.is_settled = False
            if not self.context.is_managed.value:
                self._set_status("running", None, "Operation is running")
        return True

    def run_in_background(self, task: Callable[[], object]) -> None:
        """Let ``task`` note something about the run, beside the training.

        Reading 150 packages' metadata, asking git or digesting a checkpoint takes longer than a
        user wants to wait.
        """
        thread = threading.Thread(
            target=self._run_task, args=(task,), name="axonlog-background", daemon=True
        )
        self._background_threads = [
            other for other in self._background_threads if other.is_alive()
        ] + [thread]
        thread.start()

    def mark_finished(self, outcome: RunOutcome) -> None:
        """Enter an ending and go on listening; does nothing when the run has ended."""
        if self.process != os.getpid() or self.is_ended:
            return
        if not self._is_guest:
            self._set_final_status(outcome)
            self.is_settled = True
            self.store.journal.suspend()
        try:
            self.store.refresh(final=True, timeout_s=_REFRESH_TIMEOUT_S)
        except OSError as error:
            # Nothing is lost, and the background goes on trying.
            _log.warning(
                "%s: its files are behind its journal for now, and so is the server: %s",
                self._label,
                error,
            )
        if self._uploader is not None:
            self._uploader.flush()

    def end_as(self, outcome: RunOutcome, *, wait_s: float | None = None) -> bool:
        """Enter an ending, stop, and wait for the delivery; does nothing the second time.

        Returns:
            Whether the waiting was not cut short by Ctrl-C.
        """
        if self.process != os.getpid():
            return True  # and the lock may be one that nobody will release here
        with self._ending:
            if self.is_ended:
                return True
            self.is_ended = True
        budget = EndBudget(self.end_timeout_s if wait_s is None else wait_s)
        self.store.journal.suspend()
        EXIT_HOOKS.unregister(self)
        # Ctrl-C ends the waiting, not the noting down of what is known.
        is_patient = _until_interrupted(lambda: self._join_background(budget))
        closing_until = budget.closing_deadline
        is_patient = _until_interrupted(lambda: self._close(outcome, closing_until)) and is_patient
        if self._uploader is not None:
            uploader = self._uploader
            if is_patient:
                is_patient = _until_interrupted(
                    lambda: uploader.finish(deadline_s=budget.delivery_s)
                )
            _until_interrupted(lambda: self._log_final_report(uploader))
        if self._lost_records:
            _log.warning("%s: %d records were lost to the disk", self._label, self._lost_records)
        if not self._is_guest:
            document, seconds = self.store.document, time.monotonic() - self._started_s
            _logging.log_end(self.context, document.name, document.status, seconds)
        return is_patient

    def report_dropped_media(self, kind: str) -> None:
        """Say once of each kind that it is not recorded, because events are off."""
        if kind not in self._dropped_kinds:
            self._dropped_kinds.add(kind)
            setting = self.context.collect_artifacts
            _log.warning(
                "%s: collect_artifacts is off (from %s): events of kind %s are not recorded",
                self._label,
                setting.key or setting.source,
                kind,
            )

    @contextlib.contextmanager
    def tolerating_disk_failure(self) -> Iterator[None]:
        """The training goes on when the disk does not; told once, counted always."""
        try:
            yield
        except OSError as error:
            self._count_failed_write(error)

    def _warn_forked_child(self) -> None:
        if self._warned_process != os.getpid():
            self._warned_process = os.getpid()
            _log.warning(
                "%s: this is a forked child of the process that tracks it; what is logged here is "
                "dropped: pass the run to the child, or call init() there",
                self._label,
            )

    @property
    def _label(self) -> str:
        return f"run {self.context.run_uuid.value}"

    def _run_task(self, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception:  # noqa: BLE001  # the top of a thread: training must not end for this
            if self.is_ended:
                return  # too late, which the end has said
            _log.warning("%s: cannot note its surroundings", self._label, exc_info=True)

    def _start_delivery(self, registration: Registration, *, attempt_from: int) -> None:
        from axonlog.delivery import Delivery, Uploader, server_name

        from ._credentials import Credentials
        from ._registration import run_client

        context = self.context
        name = context.name.value
        if name and server_name(name) != name:
            _log.info(
                "%s: named %r on the server, which takes letters, digits, _ and - only",
                self._label,
                server_name(name),
            )
        # In a cluster a container beside this one uploads the files.
        with_files = not context.is_managed.value or context.has_process_sidecar.value
        delivery = Delivery(
            self.store.directory,
            run_client(context),
            merge_remote=self.store.merge_remote,
            with_files=with_files,
            attempt_from=attempt_from,
        )
        with self.tolerating_disk_failure():
            if registration.is_fresh:
                delivery.record_registered()
            elif registration.server_record is not None:
                delivery.record_known(registration.server_record)
        self._uploader = Uploader(delivery, renew=Credentials(context).renewed_client)
        self._uploader.start(failure=registration.failure)

    def _set_first_status(self) -> None:
        if self.context.is_managed.value:
            return  # the scheduler keeps this run's status
        if self.store.document.status is None:
            self._set_status("created", "OfflineOperation", "Operation is starting")
        self._set_status("running", None, "Operation is running")

    def _set_final_status(self, outcome: RunOutcome) -> None:
        status = self.store.document.status
        is_worse = outcome.status != "succeeded" and status == "succeeded"
        if self.context.is_managed.value:
            return
        if status in FINAL_STATUSES and not is_worse:
            self.store.journal_final_status()
            return
        message = outcome.message or _MESSAGES.get(outcome.status)
        self._set_status(outcome.status, outcome.reason, message)

    def _set_status(self, status: Status, reason: str | None, message: str | None) -> None:
        with self.tolerating_disk_failure():
            self.store.record_status(status, reason=reason or DEFAULT_REASON, message=message)

    def _close_store(self, deadline: float) -> None:
        try:
            if self.store.close(timeout_s=_share_of(deadline), deadline=deadline):
                return
            error: Exception | None = None
        except Exception as trouble:  # a training that has come to its end must not fail here
            if self.is_strict:
                raise
            error = trouble
        _log.warning(
            "%s: the journal could not be brought into the event files%s; nothing of it is lost: "
            "it is in %s and is brought over when the run is opened again",
            self._label,
            f" ({error})" if error else "",
            self.store.directory.journal,
        )

    def _count_failed_write(self, error: OSError) -> None:
        self._count_loss(1, error)

    def _count_loss(self, records: int, error: OSError) -> None:
        if self.is_strict:
            raise error
        if not self._lost_records:
            _log.warning(
                "%s: cannot write to %s, training goes on without: %s",
                self._label,
                self.context.artifacts_path.value,
                error,
            )
        self._lost_records += records

    def _repair_siblings(self) -> None:
        """Complete the runs beside this one whose process died, beside the training."""

        def repair_them() -> None:
            with contextlib.suppress(OSError):
                for done in repair_siblings(self.store.directory.path):
                    _log.info(
                        "%s had been left by a process that died: repaired, %d points brought over",
                        done.path,
                        done.points,
                    )

        threading.Thread(target=repair_them, name="axonlog-repair", daemon=True).start()

    def _join_background(self, budget: EndBudget) -> None:
        waited_s = budget.background_s
        for capture in self._background_threads:
            capture.join(budget.background_s)
        left = sum(capture.is_alive() for capture in self._background_threads)
        if left:
            _log.warning(
                "%s: ends without %d of its notes on environment, code or files: they are not "
                "ready after %.1f seconds, a tenth of what the end may take (AXONLOG_END_TIMEOUT, "
                "wait_s=); where `git` is slow, track_code=False does without",
                self._label,
                left,
                waited_s,
            )

    def _close(self, outcome: RunOutcome, deadline: float) -> None:
        if not self._is_guest:
            self._set_final_status(outcome)
        self.media.finish(deadline - _share_of(deadline))
        self._flusher.stop(timeout_s=_share_of(deadline))
        self._close_store(deadline)

    def _log_final_report(self, uploader: Uploader) -> None:
        try:
            report = self._final_report = uploader.final_report()
        except (AxonlogError, OSError) as error:
            _log.warning("%s: cannot tell what was delivered: %s", self._label, error)
            return
        host = self.context.host.value
        if report.is_complete:
            _log.debug("%s: all of it is on %s", self._label, host)
            return
        _log.warning(
            "%s: %d sent, %d pending (%d bytes), %d failed%s at %s%s; everything is in %s, "
            "and `axonlog sync %s` sends what is missing",
            self._label,
            report.sent,
            report.pending,
            report.pending_bytes,
            report.failed,
            _in_journal(report),
            host,
            f" ({report.failure})" if report.failure else "",
            self.context.artifacts_path.value,
            self.context.run_uuid.value,
        )


def _in_journal(report: DeliveryReport) -> str:
    if not report.unreplayed_points:
        return ""
    return f", {report.unreplayed_points} points still in the journal"


def _share_of(deadline: float) -> float:
    """Seconds to wait for a lock; a moment also when no time is left: it is mostly free."""
    left_s = deadline - time.monotonic()
    return min(LOCK_TIMEOUT_S, max(_SHORTEST_LOCK_S, _LOCK_SHARE * left_s))


def _until_interrupted(act: Callable[[], object]) -> bool:
    """Do it; whether it was not cut short by Ctrl-C."""
    try:
        act()
    except KeyboardInterrupt:
        return False
    return True


def _fresh_record(context: Context) -> RunRecord:
    return RunRecord(
        uuid=context.run_uuid.value or "",
        owner=context.owner.value,
        project=context.project.value,
        name=_as_text(context.name.value),
        description=_as_text(context.description.value),
        tags=[to_text(tag) for tag in context.tags.value] or None,
        is_managed=context.is_managed.value,
        created_at=datetime.now(timezone.utc),
    )


def _as_text(text: str | None) -> str | None:
    return None if text is None else to_text(text)
