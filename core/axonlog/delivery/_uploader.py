"""Deliver in the background."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable

from axonlog.client import RunClient, is_retryable
from axonlog.errors import AxonlogError

from ._delivery import Delivery
from ._report import DeliveryReport, State
from ._retry import Note, RetryPolicy

_log = logging.getLogger("axonlog")

# While refused credentials are waited for, new ones are looked for so often.
_CREDENTIALS_POLL_INTERVAL_S = 1.0

# Between two looks at what is left, at the end.
_FINISHING_POLL_INTERVAL_S = 0.5

_ELSEWHERE = "another process is delivering this run"


class Uploader:
    """A daemon thread that steps a delivery until it is told to finish.

    Every failure is told once, and its end once; nothing ever reaches the caller.

    Args:
        delivery: What it steps.
        policy: When it does.
        renew: Called once a second while the server refuses the credentials: a client with
            others, or the same again where trying is worth it, or None.
    """

    def __init__(
        self,
        delivery: Delivery,
        *,
        policy: RetryPolicy | None = None,
        renew: Callable[[], RunClient | None] = lambda: None,
    ) -> None:
        self._delivery = delivery
        self._policy = policy or RetryPolicy()
        self._renew = renew
        self._wake = threading.Event()
        self._flush_requested = threading.Event()
        self._is_finishing = False
        self._is_awaited = False
        self._has_renewal_failed = False
        self._step_began_s: float | None = None
        self._counts = DeliveryReport()
        self._thread = threading.Thread(target=self._run, name="axonlog-uploader", daemon=True)

    @property
    def report(self) -> DeliveryReport:
        """The counts of this moment; those after the last step where it cannot be seen."""
        try:
            return self._with_state(self._delivery.report(is_fresh=True))
        except (AxonlogError, OSError):
            return self._with_state(self._counts)

    def start(self, *, failure: AxonlogError | None = None) -> None:
        """Begin; ``failure`` is what the user has already been told of."""
        if failure is not None:
            self._policy.start_failed(failure)
        self._thread.start()

    def flush(self) -> None:
        """Ask for everything to be sent now; does not wait."""
        self._flush_requested.set()
        self._wake.set()

    def finish(self, *, deadline_s: float) -> None:
        """Send what is left and end, or give up when ``deadline_s`` seconds are over.

        The thread is left to itself then: it is a daemon, and goes on trying, with longer pauses,
        as long as the process lives.
        """
        self._is_awaited = self._is_finishing = True
        self._wake.set()
        self._thread.join(max(0.0, deadline_s))
        self._is_awaited = False
        self._policy.reset()

    def final_report(self) -> DeliveryReport:
        """What has been sent and what not, with a fresh look at the directory.

        Raises:
            AxonlogError: The directory holds something else than a run.
            OSError: It cannot be read.
        """
        self._counts = self._delivery.report(is_fresh=True)
        report = self._with_state(self._counts)
        if report.is_complete:
            return report
        failure = report.failure or self._delivery.pending_reason() or self._awaited_answer()
        return dataclasses.replace(report, state="incomplete", failure=failure)

    def _awaited_answer(self) -> str | None:
        began_s = self._step_began_s
        if began_s is None or not self._thread.is_alive():
            return None
        return f"still waiting for the server after {time.monotonic() - began_s:.1f} seconds"

    def _run(self) -> None:
        while True:
            is_finishing, is_flushing = self._is_finishing, self._flush_requested.is_set()
            if is_flushing:  # a request that comes from now on is for the next step
                self._flush_requested.clear()
            error = self._step(final=is_finishing or is_flushing)
            if error is not None and is_flushing:
                self._flush_requested.set()
            if is_finishing and self._is_over(error):
                return
            self._rest(is_finishing=is_finishing)

    def _is_over(self, error: Exception | None) -> bool:
        if error is not None:
            return not (is_retryable(error) or isinstance(error, OSError))
        is_done = not self._counts.pending or self._delivery.is_held_by_journal
        return self._policy.wait_s() > 0 and is_done

    def _rest(self, *, is_finishing: bool) -> None:
        """Until the next step is due, or something calls for it."""
        while (left := self._policy.wait_s()) > 0:
            if self._is_awaited and self._policy.failure is None:
                left = min(left, _FINISHING_POLL_INTERVAL_S)
            if self._policy.is_paused:
                left = min(left, _CREDENTIALS_POLL_INTERVAL_S)
            if self._wake.wait(left):
                self._wake.clear()
                self._policy.retry_now(is_last=self._is_awaited)
                self._delivery.retry_now(is_last=self._is_awaited)
            elif self._policy.is_paused:
                self._look_for_credentials()
            elif is_finishing:
                return

    def _look_for_credentials(self) -> None:
        try:
            client = self._renew()
        except Exception as error:  # noqa: BLE001  # a broken token file must not end the delivery
            if not self._has_renewal_failed:
                self._has_renewal_failed = True
                _log.warning(
                    "%s: the new credentials cannot be used, still waiting for others: %s",
                    self._delivery.label,
                    error,
                    exc_info=None if isinstance(error, (AxonlogError, OSError)) else error,
                )
            return
        self._has_renewal_failed = False
        if client is not None:
            self._delivery.client = client
            self._policy.retry_now()

    def _step(self, *, final: bool) -> Exception | None:
        started = self._step_began_s = time.monotonic()
        try:
            has_more = self._delivery.step(final=final)
            # At the end a file that has changed while it was sent is found out.
            self._counts = self._delivery.report(is_fresh=final)
        except Exception as error:  # noqa: BLE001  # the top of a thread: training must not end for this
            self._tell(self._policy.failed(error), error)
            return error
        finally:
            self._step_began_s = None
        self._tell(self._policy.succeeded(time.monotonic() - started, has_more=has_more), None)
        return None

    def _tell(self, note: Note | None, error: Exception | None) -> None:
        label = self._delivery.label
        # The goodbye tells of trouble: what is left, why, and how to send it.
        level = logging.INFO if self._is_finishing else logging.WARNING
        if note == "over":
            is_said_goodbye = self._is_finishing and not self._is_awaited
            level = logging.INFO if is_said_goodbye else logging.WARNING
            _log.log(level, "%s: the server answers again, delivery goes on", label)
        elif note == "paused":
            _log.log(
                level,
                "%s: delivery pauses until the credentials change; everything stays on disk: %s",
                label,
                error,
            )
        elif note == "failure":
            expected = isinstance(error, (AxonlogError, OSError))
            _log.log(
                level,
                "%s: cannot deliver now, will keep trying; everything stays on disk: %s",
                label,
                error,
                exc_info=None if expected else error,
            )

    def _with_state(self, counts: DeliveryReport) -> DeliveryReport:
        failure, state = self._policy.failure, counts.state
        if failure is not None:
            waiting: State = "paused" if self._policy.is_paused else "retrying"
            state = waiting
        elif self._delivery.is_held_elsewhere and counts.pending:
            failure = _ELSEWHERE
        return dataclasses.replace(
            counts, state=state, failure=failure, bytes_sent=self._delivery.bytes_sent
        )
