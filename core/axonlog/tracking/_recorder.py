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
from typing import Any

from axonlog.context import Context
from axonlog.delivery import Delivery, DeliveryReport, Uploader, server_name
from axonlog.errors import AxonlogError, EventError
from axonlog.events import FINAL_STATUSES, Status, to_metric_value, to_step, to_timestamp
from axonlog.store import Keeper, RunRecord, RunStore

from ._credentials import Credentials
from ._deadline import end_timeout_s
from ._endings import ENDINGS, Ending
from ._start import Answer, ask_server, run_client

_log = logging.getLogger("axonlog")

# The word that the original writes beside each status, and that people filter by.
DEFAULT_REASON = "PolyaxonClient"

_MESSAGES = {"succeeded": "Operation has succeeded", "stopped": "Operation is stopped"}


class Recorder:
    """Records one run, from its first status to its last.

    Args:
        context: Where the run belongs.
        strict: Raise what would otherwise be a warning.

    Raises:
        ContextError: The run cannot be where the context says.
        AuthenticationError: The server refuses the credentials.
        ServerError: It refuses the run.
    """

    def __init__(self, context: Context, *, strict: bool) -> None:
        self.context = context
        self.is_ended = False
        self._strict = strict
        self._process = os.getpid()
        self._is_settled = False
        self._lost = 0
        # Reentrant: a SIGTERM handler ends the run in the thread that may be ending it.
        self._ending = threading.RLock()
        self._captures: list[threading.Thread] = []
        self._uploader: Uploader | None = None
        self._final_report: DeliveryReport | None = None
        self._end_timeout_s = end_timeout_s()

        fresh = _fresh_record(context)
        answer = Answer()
        if not context.is_offline.value:
            answer = ask_server(context, fresh, strict=strict)
        self.store = RunStore.open(Path(context.artifacts_path.value or ""), answer.known or fresh)
        self._keeper = Keeper(self.store)
        own_from = len(self.store.document.snapshot().status_conditions)
        self._enter_beginning()
        self._keeper.start()
        if not context.is_offline.value:
            self._start_delivery(answer, own_from=own_from)
        ENDINGS.register(self)

    @property
    def delivery(self) -> DeliveryReport | None:
        """What has been delivered at this moment; None where nothing is to be."""
        if self._final_report is not None or self._uploader is None:
            return self._final_report
        return self._uploader.report

    @property
    def activity(self) -> int:
        """How many rows of events have been recorded."""
        return self.store.writer.rows_appended

    def is_listening(self) -> bool:
        """Whether a record is to be entered now; sets a settled run running again.

        Raises:
            AxonlogError: The run has ended.
        """
        if self._process != os.getpid():
            return False  # a forked child: the parent alone writes
        if self.is_ended:
            uuid = self.context.run_uuid.value
            raise AxonlogError(
                f"run {uuid} has ended ({self.store.document.status}): call init() for another "
                f"one, or init(run_uuid={uuid!r}) to continue it"
            )
        if self._is_settled:
            self._is_settled = False
            if not self.context.is_managed.value:
                self._enter_status("running", None, "Operation is running")
        return True

    def append_metrics(self, values: Mapping[str, Any], step: Any, timestamp: Any) -> None:
        """Record numbers of one moment.

        Raises:
            EventError: Some are not acceptable. The others are recorded.
        """
        moment = datetime.now(timezone.utc) if timestamp is None else to_timestamp(timestamp)
        position = to_step(step)
        refused = []
        for name, value in values.items():
            try:
                self.store.append_metric(name, position, moment, to_metric_value(value))
            except EventError as error:
                refused.append(f"{name!r}: {error}")
            except OSError as error:
                self._note_disk_trouble(error)
        if refused:
            raise EventError("; ".join(refused))

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
        if self.is_ended or self._process != os.getpid():
            return
        self._enter_ending(ending)
        with self.tolerating_disk_trouble():
            self.store.refresh(final=True)
        self._is_settled = True
        if self._uploader is not None:
            self._uploader.flush()

    def end_as(self, ending: Ending, *, wait_s: float | None = None) -> bool:
        """Enter an ending, stop, and wait for the delivery; does nothing the second time.

        Returns:
            Whether the waiting was not cut short by Ctrl-C.
        """
        with self._ending:
            if self.is_ended or self._process != os.getpid():
                return True
            self.is_ended = True
        deadline = time.monotonic() + (self._end_timeout_s if wait_s is None else wait_s)
        ENDINGS.unregister(self)
        # Ctrl-C ends the waiting, not the noting down of what is known.
        is_patient = _until_interrupted(lambda: self._join_captures(deadline))
        is_patient = _until_interrupted(lambda: self._close(ending)) and is_patient
        if self._uploader is not None:
            uploader = self._uploader
            if is_patient:
                left_s = deadline - time.monotonic()
                is_patient = _until_interrupted(lambda: uploader.finish(deadline_s=left_s))
            _until_interrupted(lambda: self._say_goodbye(uploader))
        if self._lost:
            _log.warning("%s: %d records were lost to the disk", self._label, self._lost)
        return is_patient

    @contextlib.contextmanager
    def tolerating_disk_trouble(self) -> Iterator[None]:
        """The training goes on when the disk does not; told once, counted always."""
        try:
            yield
        except OSError as error:
            self._note_disk_trouble(error)

    @property
    def _label(self) -> str:
        return f"run {self.context.run_uuid.value}"

    def _describe(self, describe: Callable[[], object]) -> None:
        try:
            describe()
        except Exception:  # noqa: BLE001  # the top of a thread: training must not end for this
            _log.warning("%s: cannot note its surroundings", self._label, exc_info=True)

    def _start_delivery(self, answer: Answer, *, own_from: int) -> None:
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
        if self.context.is_managed.value or (status in FINAL_STATUSES and not is_worse):
            return
        message = ending.message or _MESSAGES.get(ending.status)
        self._enter_status(ending.status, ending.reason, message)

    def _enter_status(self, status: Status, reason: str | None, message: str | None) -> None:
        with self.tolerating_disk_trouble():
            self.store.document.add_condition(
                status, reason=reason or DEFAULT_REASON, message=message
            )

    def _note_disk_trouble(self, error: OSError) -> None:
        if self._strict:
            raise error
        if not self._lost:
            _log.warning(
                "%s: cannot write to %s, training goes on without: %s",
                self._label,
                self.context.artifacts_path.value,
                error,
            )
        self._lost += 1

    def _join_captures(self, deadline: float) -> None:
        for capture in self._captures:
            capture.join(max(0.0, deadline - time.monotonic()))

    def _close(self, ending: Ending) -> None:
        self._enter_ending(ending)
        self._keeper.stop()
        with self.tolerating_disk_trouble():
            self.store.close()

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
            "%s: %d sent, %d pending (%d bytes), %d failed at %s%s; everything is in %s, "
            "and `axonlog sync %s` sends what is missing",
            self._label,
            report.sent,
            report.pending,
            report.pending_bytes,
            report.failed,
            host,
            f" ({report.trouble})" if report.trouble else "",
            self.context.artifacts_path.value,
            self.context.run_uuid.value,
        )


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
        name=context.name.value,
        description=context.description.value,
        tags=list(context.tags.value) or None,
        is_managed=context.is_managed.value,
        created_at=datetime.now(timezone.utc),
    )
