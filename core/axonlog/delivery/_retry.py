"""When to try again, after how long, and what to tell of it: decisions on a clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Literal

from axonlog.client import is_retryable
from axonlog.errors import RefusedError, ServerError

# Not the generator of the `random` module: a training that seeded it must draw the same numbers,
# whatever becomes of the server.
JITTER = random.Random().random  # noqa: S311  # pauses are no secret

_BASE_S = 0.5
_CAP_S = 30.0

# The longest pause while somebody waits for the end.
LAST_CAP_S = 1.0

# A server may ask for a pause; one that asks for a day is mistaken.
_LONGEST_ASKED_S = 600.0

# Refused credentials get better when somebody does something, and that is noticed otherwise.
_REFUSED_S = 300.0
_REFUSED_CAP_S = 1800.0

# What is wrong for good is asked again now and then: somebody may repair the server.
_HOPELESS_S = 120.0

# A single failure that the next attempt makes good is nobody's business.
_FAILURES_UNTOLD = 1

# A server that comes and goes is told of once in so many seconds.
_TOLD_ONCE_IN_S = 600.0

Note = Literal["failure", "paused", "over"]


def retry_delay_s(
    failures: int, error: Exception, *, jitter: Callable[[], float] = JITTER
) -> float:
    """Seconds to wait after ``failures`` failures in a row (1 is the first).

    Doubles up to half a minute, with up to half of it taken off at random, so that many runs do
    not come back to a restarted server at once. What a server asked for (``Retry-After``) is
    kept to, up to ten minutes.
    """
    delay = min(_CAP_S, _BASE_S * 2.0 ** min(failures, 10)) * (1 - 0.5 * jitter())
    return max(delay, _asked_s(error))


class RetryPolicy:
    """How fast a delivery goes: its next attempt, its state, and when the user hears of it.

    Args:
        interval_s: Between two looks at a run that goes on.
        clock: Seconds that only go forward.
        jitter: A random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        interval_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = JITTER,
    ) -> None:
        self.failure: str | None = None
        self.is_paused = False
        self.failures = 0
        self._interval_s = interval_s
        self._clock = clock
        self._jitter = jitter
        self._next_at = clock()
        self._not_before = clock()
        self._is_told = False
        self._told_at: float | None = None
        self._cap_s = _CAP_S

    def wait_s(self) -> float:
        """Seconds until the next attempt is due."""
        return max(0.0, self._next_at - self._clock())

    def retry_now(self, *, is_last: bool = False) -> None:
        """Try as soon as the server permits.

        Args:
            is_last: Somebody waits for the end: also from now on only short pauses.
        """
        self.failures = min(self.failures, 1)
        self._next_at = max(self._clock(), self._not_before)
        self._cap_s = LAST_CAP_S if is_last else _CAP_S

    def reset(self) -> None:
        """Nobody waits for the end any more: pauses may be long again."""
        self._cap_s = _CAP_S

    def start_failed(self, error: Exception) -> None:
        """Begin with a failure that the user has been told of."""
        self._fail(error)
        self._is_told, self._told_at = True, self._clock()

    def succeeded(self, took_s: float, *, has_more: bool = False) -> Note | None:
        """An attempt went well.

        Args:
            took_s: How long it took. A slow server or disk is not pressed: it gets as long a
                pause.
            has_more: It stopped with something left to send at once.

        Returns:
            What the user should hear now.
        """
        self.failure, self.is_paused, self.failures = None, False, 0
        pause_s = 0.0 if has_more else max(self._interval_s, took_s)
        self._next_at = self._clock() + pause_s
        was_told, self._is_told = self._is_told, False
        return "over" if was_told else None

    def failed(self, error: Exception) -> Note | None:
        """An attempt failed.

        Returns:
            What the user should hear now.
        """
        was_paused = self.is_paused
        self._fail(error)
        if self.is_paused:
            if was_paused:
                return None
            self._is_told, self._told_at = True, self._clock()
            return "paused"
        if self._is_told or (self.failures <= _FAILURES_UNTOLD and is_retryable(error)):
            return None
        if self._told_at is not None and self._clock() - self._told_at < _TOLD_ONCE_IN_S:
            return None
        self._is_told, self._told_at = True, self._clock()
        return "failure"

    def _fail(self, error: Exception) -> None:
        self.failure = str(error)
        self.failures += 1
        now = self._clock()
        if isinstance(error, RefusedError):
            self.failures = self.failures if self.is_paused else 1
            self.is_paused = True
            doublings = min(self.failures - 1, 10)
            self._next_at = now + min(_REFUSED_CAP_S, _REFUSED_S * 2.0**doublings)
            return
        self.is_paused = False
        asked = _asked_s(error)
        delay = min(self._cap_s, retry_delay_s(self.failures, error, jitter=self._jitter))
        delay = max(delay, asked)
        if not (is_retryable(error) or isinstance(error, OSError)):
            delay = max(delay, _HOPELESS_S)
        self._next_at = now + delay
        self._not_before = now + asked


def _asked_s(error: Exception) -> float:
    asked = error.retry_after_s if isinstance(error, ServerError) else None
    return min(asked or 0.0, _LONGEST_ASKED_S)
