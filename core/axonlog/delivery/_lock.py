"""One delivery of a run directory at a time, whatever process it is in.

``fcntl.flock`` and not a library: it is what the library would call here, the base installation
stays at two dependencies, and the kernel gives the lock back when its holder dies, by kill -9 too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL_S = 0.1

# The file system has no locks. Two deliveries at once are then possible, and waste work only.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})

# A forked child shares the lock of its parent, and would keep it when the parent is killed.
_held: set[int] = set()


def _drop_in_child() -> None:
    while _held:
        with contextlib.suppress(OSError):
            os.close(_held.pop())


os.register_at_fork(after_in_child=_drop_in_child)


@contextlib.contextmanager
def delivering(
    path: Path, *, wait_s: float = 0.0, pause: Callable[[float], object] = time.sleep
) -> Iterator[bool]:
    """Hold the lock on the file ``path`` inside the block, if it can be had.

    Args:
        path: Made if it is not there; it stays.
        wait_s: How long to wait for whoever has it.
        pause: Waits some seconds.

    Yields:
        Whether it is held; False where somebody else had it all the time.

    Raises:
        OSError: The file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    process = os.getpid()
    _held.add(descriptor)
    try:
        deadline = time.monotonic() + wait_s
        while not (is_held := _try(descriptor)) and time.monotonic() < deadline:
            pause(_POLL_S)
        yield is_held
    finally:
        if process == os.getpid() and descriptor in _held:
            _held.discard(descriptor)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child may still have a copy of it
            os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
