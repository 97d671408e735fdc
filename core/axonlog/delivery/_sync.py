"""Deliver a run directory now, and wait for it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from axonlog.client import RunClient, is_retryable
from axonlog.errors import AxonlogError, CacheError, RefusedError
from axonlog.store import RunDirectory, read_record, repair

from ._delivery import Delivery, delivery_lock
from ._report import DeliveryReport
from ._retry import RetryPolicy

# Without a time limit: so many failures with no progress in between, which take half a minute.
_MAX_FAILURES = 6

# How long another delivery of the same directory is waited for without a time limit, in seconds.
_OTHERS_S = 60.0

# How often the caller hears of the progress, in seconds.
_TOLD_ONCE_IN_S = 0.1

_LONGEST_PAUSE_S = 0.5

# So often it is looked whether something has changed while it was sent.
_MAX_PASSES = 3


def sync(
    directory: Path,
    client: RunClient,
    *,
    on_progress: Callable[[DeliveryReport], None] | None = None,
    wait_s: float | None = None,
) -> DeliveryReport:
    """Bring the run in ``directory`` to the server, and return when that is done or given up.

    Only what the server does not have is sent: an interrupted one goes on where it was, and a
    second one changes nothing. The directory may be a copy on another machine, and its run may
    be going on in another process. A run whose process died is completed from its journal first;
    else nothing in the directory is changed, but for the notes in ``.axonlog``.
    Rows of event files that the server has from elsewhere stay there.

    Args:
        directory: Of the run.
        client: Of the run on the server; owner, project and run_uuid are set.
        on_progress: Called with the counts so far, at most ten times in a second.
        wait_s: For how many seconds a server that is away or fails is tried again, and another
            delivery of the same directory waited for. If not given, half a minute without
            progress for the server, a minute for the other delivery.

    Returns:
        What was sent, and what was not (``state`` is ``delivered`` or ``incomplete``) and why.

    Raises:
        RefusedError: The server does not accept the credentials.
        CacheError: The directory holds no run.
        OSError: It cannot be read, or its notes cannot be written.
    """
    run = RunDirectory(directory)
    read_record(run.document)
    journal_error = _complete(directory)
    telling = _Telling(on_progress)
    delivery = Delivery(run, client, on_bytes=telling.tell_soon)
    telling.delivery = delivery
    deadline = None if wait_s is None else time.monotonic() + wait_s
    others_s = _OTHERS_S if wait_s is None else wait_s
    with delivery_lock(run).held_if_free(timeout_s=others_s) as is_mine:
        failure = _deliver(delivery, telling, deadline) if is_mine else "another process has it"
    report = delivery.report(is_fresh=True)
    if journal_error is not None:
        report = dataclasses.replace(report, journal_error=journal_error)
    if not report.is_complete:
        failure = failure or delivery.pending_reason() or report.journal_error
        report = dataclasses.replace(report, state="incomplete", failure=failure)
    telling.tell(report)
    return report


def _complete(directory: Path) -> str | None:
    """Bring over what a process that died has left in the journal; why not, if it cannot be."""
    try:
        repair(directory)
    except (CacheError, OSError) as error:
        return str(error)
    return None


class _Telling:
    """Tells of the progress, not too often."""

    def __init__(self, on_progress: Callable[[DeliveryReport], None] | None) -> None:
        self.delivery: Delivery | None = None
        self._on_progress = on_progress
        self._told_at = 0.0

    def tell_soon(self) -> None:
        if self._on_progress is None or self.delivery is None:
            return
        if time.monotonic() - self._told_at >= _TOLD_ONCE_IN_S:
            self.tell(self.delivery.report())

    def tell(self, report: DeliveryReport) -> None:
        if self._on_progress is not None:
            self._told_at = time.monotonic()
            self._on_progress(report)


def _deliver(delivery: Delivery, telling: _Telling, deadline: float | None) -> str | None:
    """Step until nothing is left; the reason if something is.

    Raises:
        RefusedError: The server does not accept the credentials.
    """
    policy, failures, sent, passes = RetryPolicy(), 0, 0, 0
    while True:
        started = time.monotonic()
        failure: Exception | None = None
        try:
            has_more = delivery.step(final=True, is_locked=True)
        except RefusedError:
            raise
        except (AxonlogError, OSError) as error:
            failure = error
            policy.failed(error)
        else:
            policy.succeeded(time.monotonic() - started, has_more=has_more)
        report = delivery.report(is_fresh=True)
        telling.tell(report)
        if failure is None and not has_more:
            passes += 1
            # A run that goes on is never finished with: what comes while it is sent is left.
            if not report.pending or (passes >= _MAX_PASSES and not delivery.pending_reason()):
                return None
        failures = 0 if report.sent > sent else failures + (failure is not None)
        sent = max(sent, report.sent)
        # What waits for its own next time is looked at more often.
        pause_s = min(policy.wait_s(), _LONGEST_PAUSE_S) if failure is None else policy.wait_s()
        is_hopeless = failure is not None and not _may_pass(failure)
        is_late = deadline is not None and time.monotonic() + pause_s > deadline
        if is_hopeless or is_late or (deadline is None and failures >= _MAX_FAILURES):
            return str(failure) if failure is not None else delivery.pending_reason()
        time.sleep(pause_s)


def _may_pass(error: Exception) -> bool:
    return is_retryable(error) or isinstance(error, OSError)
