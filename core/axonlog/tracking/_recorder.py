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
from axonlog.store import LOCK_TIMEOUT_S, Keeper, RunRecord, RunStore, repair_siblings, to_text

from . import _console
from ._deadline import EndBudget, end_timeout_s
from ._endings import ENDINGS, Ending

# What talks to a server takes a quarter of the first `init` to import: for runs that have one.
if TYPE_CHECKING:
    from axonlog.delivery import DeliveryReport, Uploader

    from ._start import Answer

_log = logging.getLogger("axonlog")

# The word that the original writes beside each status, and that people filter by.
DEFAULT_REASON = "PolyaxonClient"

# The training thread waits for what `settle` brings into the event files.
_SETTLE_TIMEOUT_S = 2.0

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
        self._lost = 0
        self._told_child = self.process
        # Reentrant: a SIGTERM handler ends the run in the thread that may be ending it.
        self._ending = threading.RLock()
        self._captures: list[threading.Thread] = []
        self._uploader: Uploader | None = None
        self._final_report: DeliveryReport | None = None
        self.end_timeout_s = end_timeout_s()

        fresh = _fresh_record(context)
        answer: Answer | None = None
        if not (context.is_offline.value or is_guest):
            from ._start import as_local, ask_server

            answer = ask_server(context, fresh)
            if answer.is_local:
                context = self.context = as_local(context)
                answer = None
        known = None if answer is None else answer.known
        path = Path(context.artifacts_path.value or "")
        try:
            self.store = RunStore.open(
                path,
                known or fresh,
                admit=self.is_listening,
                on_lost=self._note_loss,
                is_guest=is_guest,
            )
        except OSError as error:
            raise ContextError(
                f"{path} (from {context.artifacts_path.source}) cannot be the run's directory: "
                f"{error}; pass artifacts_path= or go to a directory that can be written"
            ) from error
        self._keeper = Keeper(self.store)
        own_from = len(self.store.document.snapshot().status_conditions)
        if not is_guest:
            self._enter_beginning()
        self._keeper.start()
        if answer is not None:
            self._start_delivery(answer, own_from=own_from)
        if not is_guest:
            self._repair_siblings()
        ENDINGS.register(self)
        self._started_s = time.monotonic()
        if not is_guest:
            is_reachable = answer is None or answer.trouble is None
            _console.log_start(context, self.store.document.name, is_reachable=is_reachable)

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
                self.store.refresh(final=True, timeout_s=_SETTLE_TIMEOUT_S)
        return self.store.document.snapshot().outputs or {}

    def is_listening(self) -> bool:
        """Whether a record is to be entered now; sets a settled run running again.

        Raises:
            AxonlogError: The run has ended.
        """
        if self.process != os.getpid():
            self._tell_child()
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
                self._enter_status("running", None, "Operation is running")
        return True

    def capture(self, describe: Callable[[], object]) -> None:
        """Let ``describe`` note something about the run, beside the training.

        Reading 150 packages' metadata, asking git or digesting a checkpoint takes longer than a
        user wants to wait.
        """
        thread = threading.Thread(
            target=self._describe, args=(describe,), name="axonlog-capture", daemon=True
        )
        self._captures = [other for other in self._captures if other.is_alive()] + [thread]
        thread.start()

    def settle(self, ending: Ending) -> None:
        """Enter an ending and go on listening; does nothing when the run has ended."""
        if self.process != os.getpid() or self.is_ended:
            return
        if not self._is_guest:
            self._enter_ending(ending)
            self.is_settled = True
            self.store.journal.suspend()
        try:
            self.store.refresh(final=True, timeout_s=_SETTLE_TIMEOUT_S)
        except OSError as error:
            # Nothing is lost, and the background goes on trying.
            _log.warning(
                "%s: its files are behind its journal for now, and so is the server: %s",
                self._label,
                error,
            )
        if self._uploader is not None:
            self._uploader.flush()

    def end_as(self, ending: Ending, *, wait_s: float | None = None) -> bool:
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
        ENDINGS.unregister(self)
        # Ctrl-C ends the waiting, not the noting down of what is known.
        is_patient = _until_interrupted(lambda: self._join_captures(budget))
        closing_until = budget.closing_deadline
        is_patient = _until_interrupted(lambda: self._close(ending, closing_until)) and is_patient
        if self._uploader is not None:
            uploader = self._uploader
            if is_patient:
                is_patient = _until_interrupted(
                    lambda: uploader.finish(deadline_s=budget.delivery_s)
                )
            _until_interrupted(lambda: self._say_goodbye(uploader))
        if self._lost:
            _log.warning("%s: %d records were lost to the disk", self._label, self._lost)
        if not self._is_guest:
            document, seconds = self.store.document, time.monotonic() - self._started_s
            _console.log_end(self.context, document.name, document.status, seconds)
        return is_patient

    @contextlib.contextmanager
    def tolerating_disk_trouble(self) -> Iterator[None]:
        """The training goes on when the disk does not; told once, counted always."""
        try:
            yield
        except OSError as error:
            self._note_disk_trouble(error)

    def _tell_child(self) -> None:
        if self._told_child != os.getpid():
            self._told_child = os.getpid()
            _log.warning(
                "%s: this is a forked child of the process that tracks it; what is logged here is "
                "dropped: pass the run to the child, or call init() there",
                self._label,
            )

    @property
    def _label(self) -> str:
        return f"run {self.context.run_uuid.value}"

    def _describe(self, describe: Callable[[], object]) -> None:
        try:
            describe()
        except Exception:  # noqa: BLE001  # the top of a thread: training must not end for this
            if self.is_ended:
                return  # too late, which the end has said
            _log.warning("%s: cannot note its surroundings", self._label, exc_info=True)

    def _start_delivery(self, answer: Answer, *, own_from: int) -> None:
        from axonlog.delivery import Delivery, Uploader, server_name

        from ._credentials import Credentials
        from ._start import run_client

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
            adopt=self.store.adopt,
            with_files=with_files,
            own_from=own_from,
        )
        with self.tolerating_disk_trouble():
            if answer.is_fresh:
                delivery.enter_registered()
            elif answer.known is not None:
                delivery.enter_known(answer.known)
        self._uploader = Uploader(delivery, renew=Credentials(context).renewed)
        self._uploader.start(trouble=answer.trouble)

    def _enter_beginning(self) -> None:
        if self.context.is_managed.value:
            return  # the scheduler keeps this run's status
        if self.store.document.status is None:
            self._enter_status("created", "OfflineOperation", "Operation is starting")
        self._enter_status("running", None, "Operation is running")

    def _enter_ending(self, ending: Ending) -> None:
        status = self.store.document.status
        is_worse = ending.status != "succeeded" and status == "succeeded"
        if self.context.is_managed.value:
            return
        if status in FINAL_STATUSES and not is_worse:
            self.store.keep_ending()
            return
        message = ending.message or _MESSAGES.get(ending.status)
        self._enter_status(ending.status, ending.reason, message)

    def _enter_status(self, status: Status, reason: str | None, message: str | None) -> None:
        with self.tolerating_disk_trouble():
            self.store.enter_status(status, reason=reason or DEFAULT_REASON, message=message)

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

    def _note_disk_trouble(self, error: OSError) -> None:
        self._note_loss(1, error)

    def _note_loss(self, records: int, error: OSError) -> None:
        if self.is_strict:
            raise error
        if not self._lost:
            _log.warning(
                "%s: cannot write to %s, training goes on without: %s",
                self._label,
                self.context.artifacts_path.value,
                error,
            )
        self._lost += records

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

    def _join_captures(self, budget: EndBudget) -> None:
        waited_s = budget.captures_s
        for capture in self._captures:
            capture.join(budget.captures_s)
        left = sum(capture.is_alive() for capture in self._captures)
        if left:
            _log.warning(
                "%s: ends without %d of its notes on environment, code or files: they are not "
                "ready after %.1f seconds, a tenth of what the end may take (AXONLOG_END_TIMEOUT, "
                "wait_s=); where `git` is slow, track_code=False does without",
                self._label,
                left,
                waited_s,
            )

    def _close(self, ending: Ending, deadline: float) -> None:
        if not self._is_guest:
            self._enter_ending(ending)
        self._keeper.stop(timeout_s=_share_of(deadline))
        self._close_store(deadline)

    def _say_goodbye(self, uploader: Uploader) -> None:
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
            f" ({report.trouble})" if report.trouble else "",
            self.context.artifacts_path.value,
            self.context.run_uuid.value,
        )


def _in_journal(report: DeliveryReport) -> str:
    if not report.undrained_points:
        return ""
    return f", {report.undrained_points} points still in the journal"


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
