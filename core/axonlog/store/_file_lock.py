"""Locks with a deadline: between the threads of a process, and between processes.

``fcntl.flock`` and not a library: it is what the library would call here, the base installation
stays at two dependencies, and the kernel releases the lock when its holder dies, by kill -9 too.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

from ._layout import RunDirectory

_log = logging.getLogger("axonlog")

# How long a lock is waited for where the caller does not say.
LOCK_TIMEOUT_S = 5.0
_DOCUMENT_TIMEOUT_S = 1.0
# After a timeout the lock is hardly waited for again for a while.
_BLOCKED_S, _BLOCKED_TIMEOUT_S = 30.0, 0.05

# How often a process that waits for a lock polls it, at first and at most.
POLL_INTERVAL_S = 0.01
_FIRST_POLL_S = 0.001

# How often a folder is made again that another process removed in the same moment.
_MAX_ATTEMPTS = 100


class LockTimeoutError(TimeoutError):
    """Another process or thread held a lock until the deadline."""


class ThreadLock:
    """A lock between threads; ``with`` raises ``LockTimeoutError`` where it cannot be had in time.

    Reentrant: a SIGTERM handler ends the run in the thread that may hold it.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.RLock()

    def acquire(self, *, timeout_s: float = LOCK_TIMEOUT_S) -> bool:
        """Wait for the lock; whether it is held now."""
        return self._lock.acquire(timeout=max(0.0, timeout_s))

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def __enter__(self) -> ThreadLock:
        if not self.acquire():
            raise LockTimeoutError(
                f"{self._what}: another thread has been using it for {LOCK_TIMEOUT_S:g} seconds"
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class FileLock:
    """A lock between processes, on a file made for it; one object per user of the file.

    The thread that holds it may acquire it again. Two objects exclude each other, in one process
    too. A forked child holds nothing of its parent's. Where the file system has no locks, the
    lock is always free: one process per run is the usual case.

    Args:
        path: The file. Somebody may delete it meanwhile; then the file that is made next counts.
        makes_folder: Make the file's folder where it is missing. Otherwise a missing folder means
            that nobody else can be there, and the lock is free.
    """

    def __init__(self, path: Path, *, makes_folder: bool = True) -> None:
        self._path = path
        self._makes_folder = makes_folder
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._descriptor: int | None = None
        _LOCKS.add(self)

    def acquire(self, *, timeout_s: float = LOCK_TIMEOUT_S) -> bool:
        """Wait for the lock; whether it is held now.

        Raises:
            OSError: The file cannot be made.
        """
        deadline = time.monotonic() + timeout_s
        if not self._thread_lock.acquire(timeout=max(0.0, timeout_s)):
            return False
        try:
            is_held = bool(self._depth) or self._lock_file(deadline)
        except BaseException:
            self._thread_lock.release()
            raise
        if is_held:
            self._depth += 1
        else:
            self._thread_lock.release()
        return is_held

    def release(self) -> None:
        """Give back what ``acquire`` gave; in a forked child there is nothing to give back."""
        if not self._depth:
            return
        self._depth -= 1
        if not self._depth:
            self._unlock_file()
        self._thread_lock.release()

    @contextlib.contextmanager
    def held(self, *, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        """Hold the lock inside the block.

        Raises:
            LockTimeoutError: Another process or thread held it all the time.
            OSError: The file cannot be made.
        """
        if not self.acquire(timeout_s=timeout_s):
            raise LockTimeoutError(
                f"{self._path}: another process has held this lock for {timeout_s:.1f} seconds"
            )
        try:
            yield
        finally:
            self.release()

    @contextlib.contextmanager
    def held_if_free(self, *, timeout_s: float = 0.0) -> Iterator[bool]:
        """Hold the lock inside the block if it can be had; whether it is held.

        Raises:
            OSError: The file cannot be made.
        """
        is_held = self.acquire(timeout_s=timeout_s)
        try:
            yield is_held
        finally:
            if is_held:
                self.release()

    def _drop_in_child(self) -> None:
        # Closed without LOCK_UN: the lock belongs to the open file, which the parent still has.
        # A copy that stays open here would keep the lock when the parent is killed.
        descriptor, self._descriptor, self._depth = self._descriptor, None, 0
        # Another thread may have held it when the process forked; nobody releases it here.
        self._thread_lock = threading.RLock()
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _lock_file(self, deadline: float) -> bool:
        pause_s = _FIRST_POLL_S
        while True:
            if self._descriptor is None and not self._open():
                return True
            descriptor = self._descriptor
            if descriptor is None or not _is_file_of(descriptor, self._path):
                # The process that held the lock deleted the file, or this is a forked child.
                self._unlock_file()
                continue
            if _try_lock(descriptor):
                if _is_file_of(descriptor, self._path):
                    return True
                continue
            if time.monotonic() >= deadline:
                self._unlock_file()
                return False
            time.sleep(pause_s)
            pause_s = min(POLL_INTERVAL_S, 2 * pause_s)

    def _open(self) -> bool:
        """Open the file; False where its folder is missing, and is to be so.

        Raises:
            OSError: It cannot be opened, or its folder cannot be made.
        """
        for attempt in itertools.count(1):
            try:
                if self._makes_folder:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o666)
            except FileNotFoundError:
                if not self._makes_folder:
                    return False
                # A process that repairs a run removes empty folders, also the parent of one that
                # is being made just now.
                if attempt == _MAX_ATTEMPTS:
                    raise
            else:
                break
        return True

    def _unlock_file(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                # Closing alone would not do: a child forked by C code may have a copy of it.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


class DocumentLock:
    """The lock for reading, changing and writing a document of a run; ``path`` is its file.

    It lies in the journal's folder, which is there as long as any process writes the run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        journal = RunDirectory(path.parent).journal
        self._lock = FileLock(journal / f"{path.name}.lock", makes_folder=False)
        self._blocked_until = -math.inf

    @contextlib.contextmanager
    def held_or_timeout(self) -> Iterator[bool]:
        """Hold the lock inside the block, or go on without it after a timeout.

        A log call may be waiting: it must neither hang nor lose what it was given. After a timeout
        the next calls hardly wait for a while.

        Yields:
            Whether it is held.
        """
        is_blocked = time.monotonic() < self._blocked_until
        try:
            is_held = self._lock.acquire(
                timeout_s=_BLOCKED_TIMEOUT_S if is_blocked else _DOCUMENT_TIMEOUT_S
            )
        except OSError:
            is_held = False  # a full disk refuses the lock file, and perhaps takes the document
        else:
            if is_held:
                self._blocked_until = -math.inf
            elif not is_blocked:
                self._blocked_until = time.monotonic() + _BLOCKED_S
                _log.warning(
                    "%s: another process holds its lock; it is written without the lock, and again "
                    "when the lock is free",
                    self._path,
                )
        try:
            yield is_held
        finally:
            if is_held:
                self._lock.release()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # this file system has no locks
    return True


def _is_file_of(descriptor: int, path: Path) -> bool:
    """Whether ``path`` is still the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


_LOCKS: WeakSet[FileLock] = WeakSet()


def _drop_all_in_child() -> None:
    for lock in list(_LOCKS):
        lock._drop_in_child()


os.register_at_fork(after_in_child=_drop_all_in_child)
