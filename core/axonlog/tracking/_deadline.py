"""How long the end of a run may take."""

from __future__ import annotations

import logging
import math
import os

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
