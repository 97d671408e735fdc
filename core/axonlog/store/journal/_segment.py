"""One file of the journal, open for appending: mapped into memory, or written to."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from ._format import HEADER_BYTES, segment_header

# On a disk that is nearly full a small segment may still fit.
_SMALL_BYTES = 64 * 1024

# macOS has no such call, and a sparse file must not be mapped.
_CAN_ALLOCATE = hasattr(os, "posix_fallocate")

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_POSSIBLE = frozenset({errno.EINVAL, errno.ENODEV, errno.ENOSYS, errno.EOPNOTSUPP})

# Linux 5.14 and later; no Python has the name yet. It faults pages in as a store would.
_MADV_POPULATE_WRITE = 23
_POPULATED_BYTES = 64 * 1024


class Segment(Protocol):
    """A file of the journal."""

    index: int
    path: Path
    write: Callable[[bytes], object]
    """Append a whole frame. Any thread may call it.

    Raises:
        ValueError: The segment is full or sealed; nothing was written.
        OSError: The disk refuses; nothing that a reader would take for a frame was written.
    """

    @property
    def used_bytes(self) -> int:
        """How much has been written."""

    @property
    def free_bytes(self) -> int:
        """How much can still be written."""

    def read(self, offset: int, limit_bytes: int) -> bytes:
        """What stands from ``offset`` on: frames, the last one perhaps cut, perhaps zeros."""

    def seal(self) -> None:
        """Refuse all further writes."""

    def release(self) -> None:
        """Release memory and descriptors of a sealed segment; it can still be read."""


class MappedSegment:
    """A preallocated file in memory; a write is a copy of some bytes, and outlives the process.

    ``mmap.write`` moves its position and copies while it holds the interpreter's lock, so it
    needs no other one.
    """

    def __init__(self, path: Path, index: int, size_bytes: int) -> None:
        self.path = path
        self.index = index
        self._size_bytes = size_bytes
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            # A store into a hole of a full disk would kill the process.
            os.posix_fallocate(descriptor, 0, size_bytes)
            self._map = mmap.mmap(descriptor, size_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        self._map.write(segment_header(index))
        self._used_bytes = HEADER_BYTES
        self._is_sealed = False
        self.write: Callable[[bytes], object] = self._map.write

    @property
    def used_bytes(self) -> int:
        """How much has been written."""
        if not self._is_sealed:
            with contextlib.suppress(ValueError):  # sealed and released by another thread just now
                self._used_bytes = self._map.tell()
        return self._used_bytes

    @property
    def free_bytes(self) -> int:
        """How much can still be written."""
        return self._size_bytes - self.used_bytes

    def populate(self) -> None:
        """Fault the pages in now, so that no log call has to; 2 µs each."""
        for offset in range(0, self._size_bytes, _POPULATED_BYTES):
            length = min(_POPULATED_BYTES, self._size_bytes - offset)
            try:
                self._map.madvise(_MADV_POPULATE_WRITE, offset, length)
            except (OSError, ValueError):
                return  # an older kernel, or closed meanwhile

    def read(self, offset: int, limit_bytes: int) -> bytes:
        """What stands from ``offset`` on: frames, the last one perhaps cut, perhaps zeros."""
        try:
            # After the seal the position is at the end of the file, and zeros follow the points.
            end = self._size_bytes if self._is_sealed else self._map.tell()
            return self._map[offset : min(end, offset + limit_bytes)]
        except ValueError:  # released
            return read_file(self.path, offset, limit_bytes)

    def seal(self) -> None:
        """Refuse all further writes."""
        if not self._is_sealed:
            self._used_bytes = self._map.tell()
            self._is_sealed = True
            self._map.seek(0, os.SEEK_END)

    def release(self) -> None:
        """Take the pages out of this process's memory; the file can still be read."""
        self._map.close()


class WrittenSegment:
    """A file that grows by one ``write`` per frame, for where a map is not safe.

    The lock is held during the write: the kernel serializes writes to a file anyway, and nothing
    may be written after the file was sealed and read to its end.
    """

    def __init__(self, path: Path, index: int, size_bytes: int) -> None:
        self.path = path
        self.index = index
        self._size_bytes = size_bytes
        self._file: FileIO | None = FileIO(path, "xb")
        # Reentrant: a SIGTERM handler may log in the thread that holds it.
        self._lock = threading.RLock()
        self.used_bytes = 0
        self.write: Callable[[bytes], object] = self._write
        try:
            self._write(segment_header(index))
        except BaseException:
            self.seal()
            path.unlink(missing_ok=True)
            raise

    @property
    def free_bytes(self) -> int:
        """How much can still be written."""
        return self._size_bytes - self.used_bytes

    def read(self, offset: int, limit_bytes: int) -> bytes:
        """What stands from ``offset`` on: frames, the last one perhaps cut, perhaps zeros."""
        return read_file(self.path, offset, limit_bytes)

    def seal(self) -> None:
        """Refuse all further writes."""
        with self._lock:
            if self._file is not None:
                file, self._file = self._file, None
                file.close()

    def release(self) -> None:
        """Nothing to do: the sealed file is closed."""

    def _write(self, frame: bytes) -> None:
        with self._lock:
            if self._file is None or self.used_bytes + len(frame) > self._size_bytes:
                raise ValueError("the segment is full or sealed")
            written = 0
            try:
                written = self._file.write(frame)
            finally:
                self.used_bytes += written
                if written != len(frame):
                    self.seal()  # a reader stops at a torn frame
            if written != len(frame):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))


def make_segment(
    path: Path, index: int, size_bytes: int, *, at_least_bytes: int, mapped: bool
) -> Segment:
    """A new segment of ``size_bytes``, or a smaller one if the disk is nearly full.

    Raises:
        OSError: The disk is full, or the file cannot be made.
    """
    if not (mapped and _CAN_ALLOCATE and _is_one_thread_at_a_time()):
        return WrittenSegment(path, index, size_bytes)
    try:
        return MappedSegment(path, index, size_bytes)
    except OSError as error:
        if error.errno in _NOT_POSSIBLE:
            return WrittenSegment(path, index, size_bytes)
        small_bytes = max(_SMALL_BYTES, at_least_bytes)
        if error.errno not in _DISK_FULL or size_bytes <= small_bytes:
            raise
    return MappedSegment(path, index, small_bytes)


def read_file(path: Path, offset: int, limit_bytes: int) -> bytes:
    """A stretch of a segment's file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(limit_bytes)


def _is_one_thread_at_a_time() -> bool:
    # Without the interpreter's lock nothing keeps two threads out of `mmap.write`.
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()
