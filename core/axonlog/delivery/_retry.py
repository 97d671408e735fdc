"""When to try again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Callable

from axonlog.errors import ServerError

_BASE_S = 0.5
_CAP_S = 30.0


def retry_delay_s(
    failures: int, error: Exception, *, jitter: Callable[[], float] = random.random
) -> float:
    """Seconds to wait after ``failures`` failures in a row (1 is the first).

    Doubles up to half a minute, with up to half of it taken off at random, so that many runs do
    not come back to a restarted server at once. What a server asked for (``Retry-After``) is
    kept to.
    """
    delay = min(_CAP_S, _BASE_S * 2.0 ** min(failures, 10)) * (1 - 0.5 * jitter())
    asked = error.retry_after_s if isinstance(error, ServerError) else None
    return max(delay, asked or 0.0)
