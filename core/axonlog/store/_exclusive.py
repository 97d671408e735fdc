"""One process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path


class Exclusive:
    """A lock between processes, on a file that is made for it; one object per user of it.

    Where the file system has no locks there is none: one process per run is the usual case.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Reentrant, like the whole: a SIGTERM handler runs in the thread that may hold it.
        self._lock = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for it; the thread that has it already gets it at once.

        Raises:
            OSError: The file cannot be made.
        """
        with self._lock:
            if self._depth:
                yield
                return
            descriptor = self._acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                os.close(descriptor)

    def _acquire(self) -> int:
        while True:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            try:
                descriptor = os.open(self._path, flags, 0o666)
            except FileNotFoundError:
                continue  # who had it before has tidied up in between
            try:
                with contextlib.suppress(OSError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    return descriptor
            except FileNotFoundError:
                pass  # likewise: what was locked is not the file of this name any more
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
