"""Deliver in the background."""

from __future__ import annotations

import logging
import threading
import time

from axonlog.client import is_retryable
from axonlog.errors import AxonlogError

from ._delivery import Delivery
from ._retry import retry_delay_s

_log = logging.getLogger("axonlog")


class Uploader:
    """A daemon thread that steps a delivery until it is told to finish.

    Every trouble is told once, and its end once; nothing ever reaches the caller.
    """

    def __init__(self, delivery: Delivery, *, label: str, interval_s: float = 2.0) -> None:
        self._delivery = delivery
        self._label = label
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._flushing = False
        self._finishing = False
        self._trouble: str | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="axonlog-uploader", daemon=True)

    @property
    def trouble(self) -> str | None:
        """Why the last step failed, or None if it did not."""
        return self._trouble

    def start(self, *, trouble: AxonlogError | None = None) -> None:
        """Begin; ``trouble`` is what the user has already been told of."""
        if trouble is not None:
            self._trouble, self._failures = str(trouble), 1
        self._thread.start()

    def flush(self) -> None:
        """Ask for everything to be sent now; does not wait."""
        self._flushing = True
        self._wake.set()

    def finish(self, *, deadline_s: float) -> None:
        """Send what is left and end, or give up when ``deadline_s`` seconds are over.

        The thread is left to itself then: it is a daemon and ends with the process.
        """
        self._finishing = True
        self.flush()
        self._thread.join(deadline_s)

    def _run(self) -> None:
        while True:
            finishing, final = self._finishing, self._flushing
            self._flushing = False
            started = time.monotonic()
            error = self._step(final=final or finishing)
            if error is not None and final:
                self._flushing = True
            if finishing and (error is None or not is_retryable(error)):
                return
            self._wake.wait(self._pause_s(error, time.monotonic() - started))
            self._wake.clear()

    def _step(self, *, final: bool) -> Exception | None:
        try:
            self._delivery.step(final=final)
        except Exception as error:  # noqa: BLE001  # the top of a thread: training must not end for this
            self._tell(error)
            return error
        if self._trouble is not None:
            _log.warning("%s: the server answers again, delivery goes on", self._label)
        self._trouble, self._failures = None, 0
        return None

    def _tell(self, error: Exception) -> None:
        self._failures += 1
        if self._trouble is None:
            expected = isinstance(error, (AxonlogError, OSError))
            _log.warning(
                "%s: cannot deliver now, will keep trying; everything stays on disk: %s",
                self._label,
                error,
                exc_info=None if expected else error,
            )
        self._trouble = str(error)

    def _pause_s(self, error: Exception | None, step_took_s: float) -> float:
        if error is not None:
            return retry_delay_s(self._failures, error)
        # A slow server or a slow disk is not pressed: as long a pause as the step took.
        return max(self._interval_s, step_took_s)
