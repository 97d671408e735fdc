"""Single things that the server does not take, so that they do not hold up the others."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from axonlog.client import is_retryable
from axonlog.errors import RefusedError, ServerError, TransportError

from ._retry import JITTER, LAST_CAP_S, retry_delay_s

# A request that is wrong for good can look like a failure inside the server. So often it is
# tried while others of its kind get through.
_MAX_FAILURES = 6

# The server is too busy for anything: these are not about the thing that was sent.
_BUSY = frozenset({429, 503})


@dataclass
class _Failure:
    version: object
    failures: int
    successes_before: int
    retry_at: float
    error: Exception
    is_final: bool = False


def concerns_all(error: Exception) -> bool:
    """Whether an error is about the server as a whole and not about what was sent to it."""
    if isinstance(error, ServerError):
        return isinstance(error, RefusedError) or error.status in _BUSY
    return isinstance(error, TransportError) and error.reason != "file"


class FailureTracker:
    """What failed, by kind and name; each thing in the version in which it failed.

    A 4xx is final: this version is counted as failed and not sent again by this delivery. What
    may get better is tried again after a growing pause, and is final when others of its kind
    get through all the while.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = JITTER,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._entries: dict[tuple[str, str], _Failure] = {}
        self._successes: Counter[str] = Counter()
        self._cap_s = math.inf

    def may_try(self, kind: str, name: str, version: object) -> bool:
        """Whether this version is to be sent now."""
        entry = self._entries.get((kind, name))
        if entry is None or entry.version != version:
            return True
        return not entry.is_final and entry.retry_at <= self._clock()

    def is_failed(self, kind: str, name: str, version: object) -> bool:
        """Whether this version is given up."""
        entry = self._entries.get((kind, name))
        return entry is not None and entry.version == version and entry.is_final

    def note_success(self, kind: str, name: str) -> None:
        """The server took it."""
        self._entries.pop((kind, name), None)
        self._successes[kind] += 1

    def note_failure(self, kind: str, name: str, version: object, error: Exception) -> bool:
        """The server did not take it.

        Returns:
            Whether that is final, and so to be told: it is asked once for each version.
        """
        entry = self._entries.get((kind, name))
        if entry is None or entry.version != version:
            entry = _Failure(version, 0, self._successes[kind], 0.0, error)
            self._entries[kind, name] = entry
        entry.failures += 1
        entry.error = error
        pause_s = min(self._cap_s, retry_delay_s(entry.failures, error, jitter=self._jitter))
        entry.retry_at = self._clock() + pause_s
        may_pass = is_retryable(error) or isinstance(error, OSError)
        others_pass = self._successes[kind] > entry.successes_before
        entry.is_final = not may_pass or (entry.failures >= _MAX_FAILURES and others_pass)
        return entry.is_final

    def retry_now(self, *, is_last: bool = False) -> None:
        """Whatever may get better is tried at once.

        Args:
            is_last: Somebody waits for the end: also from now on only short pauses.
        """
        self._cap_s = LAST_CAP_S if is_last else math.inf
        for entry in list(self._entries.values()):
            entry.retry_at = self._clock()

    def last_error(self) -> Exception | None:
        """Of what is still tried, the newest failure."""
        # A copy: the thread that delivers changes the entries meanwhile.
        waiting = [entry for entry in list(self._entries.values()) if not entry.is_final]
        return waiting[-1].error if waiting else None
