"""How long the end of a run may take, and each part of it."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable

_log = logging.getLogger("axonlog")

VARIABLE = "AXONLOG_END_TIMEOUT"
_DEFAULT_S = 10.0


def end_timeout_s() -> float:
    """Seconds that the end of a run waits for its delivery: AXONLOG_END_TIMEOUT, or ten.

    A value that makes no sense is warned of, and is as if there were none: this is no reason for
    a training not to start.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return _DEFAULT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        _log.warning(
            "%s=%r is not a number of seconds from 0 on: the end of a run waits %g seconds",
            VARIABLE,
            text,
            _DEFAULT_S,
        )
        return _DEFAULT_S
    return seconds


class EndBudget:
    """The one deadline of an end, handed out in shares.

    What a part does not need is left to those after it. What comes before the delivery cannot
    take the delivery's share: a server that is never told of an ending shows the run as running.

    Args:
        total_s: For everything.
        clock: Seconds that only go forward.
    """

    # Notes on the environment and the code: good to have, and not worth a lost ending.
    _BACKGROUND = 0.1
    # Up to this part of the total the journal may be brought into the event files. Nobody waits
    # for the server with less than this many seconds for it, not even with a timeout of 0.
    _CLOSING = 0.6
    _SHORTEST_CLOSING_S = 2.0

    def __init__(self, total_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._total_s = total_s
        self._clock = clock
        self._began_at = clock()

    @property
    def background_s(self) -> float:
        """Seconds from now on for what is still being noted about the run."""
        return self._until(self._BACKGROUND * self._total_s)

    @property
    def closing_deadline(self) -> float:
        """When the closing of the files is to be cut short, by the clock."""
        return self._began_at + max(self._CLOSING * self._total_s, self._SHORTEST_CLOSING_S)

    @property
    def delivery_s(self) -> float:
        """Seconds from now on for the delivery: all that is left."""
        return self._until(self._total_s)

    def _until(self, mark_s: float) -> float:
        return max(0.0, self._began_at + mark_s - self._clock())
