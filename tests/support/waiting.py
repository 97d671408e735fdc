"""Wait for what nobody announces."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def until(is_so: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    """Return as soon as it is so.

    Raises:
        AssertionError: It has not come to be so in time.
    """
    deadline, never = time.monotonic() + timeout_s, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be so"
        never.wait(0.02)
