"""Append rows to event files."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from pathlib import Path

from axonlog.events import header

from ._files import replacing
from ._locks import ThreadLock
from ._merge import merge_rows

# A run may have thousands of metrics, a process often only 1,024 descriptors.
_MAX_OPEN_FILES = 128


class EventWriter:
    """Writes whole rows: what is given at once in one ``write`` on a descriptor that appends.

    What ``append`` was given is in the kernel's hands when it returns, so it outlives the
    process. A file is made together with its first row, because a reader refuses a file that
    holds a header only. Any thread may append.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[Path, int] = OrderedDict()
        self._lock = ThreadLock("the event files")

    def size_bytes(self, path: Path) -> int:
        """The present size of an event file; 0 if it is not there.

        Raises:
            OSError: It cannot be asked.
        """
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, path: Path, kind: str, rows: str) -> int:
        """Add ``rows`` (each begins with its line break) to the event file ``path``.

        Returns:
            Its size now, in bytes.

        Raises:
            OSError: The rows are not in the file, and the file is as it was before.
        """
        with self._lock:
            descriptor = self._descriptor(path)
            before = os.fstat(descriptor).st_size
            data = (rows if before else header(kind) + rows).encode("utf-8")
            try:
                written = os.write(descriptor, data)
                while written < len(data):  # what is in the way is said by the next attempt
                    written += os.write(descriptor, data[written:])
            except OSError:
                # A row torn in the middle of a file would cost its readers the whole file.
                with contextlib.suppress(OSError):
                    self.restore(path, before)
                raise
            return before + len(data)

    def restore(self, path: Path, size_bytes: int) -> None:
        """Cut an event file back to the size that it had; 0 takes it away.

        Raises:
            OSError: It cannot be done.
        """
        with self._lock:
            self._close(path)
            if size_bytes:
                with contextlib.suppress(FileNotFoundError):
                    os.truncate(path, size_bytes)
            elif path.is_file():
                path.unlink()

    def adopt(self, path: Path, rows_before: bytes) -> None:
        """Put the rows of another copy of this file before those that it lacks.

        Args:
            path: The event file here; it may not exist yet.
            rows_before: The whole other copy, header included.

        Raises:
            OSError: The file cannot be replaced; it is as it was before.
        """
        with self._lock:
            self._close(path)
            here = path.read_bytes() if path.exists() else b""
            with replacing(path) as temporary:
                temporary.write_bytes(merge_rows(rows_before, here))

    def close(self) -> None:
        """Close the descriptors; a later ``append`` opens them again."""
        with self._lock:
            for path in list(self._files):
                self._close(path)

    def _descriptor(self, path: Path) -> int:
        descriptor = self._files.get(path)
        if descriptor is not None:
            self._files.move_to_end(path)
            if _is_still(descriptor, path):
                return descriptor
            self._close(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if len(self._files) == _MAX_OPEN_FILES:
            self._close(next(iter(self._files)))
        self._files[path] = descriptor
        return descriptor

    def _close(self, path: Path) -> None:
        descriptor = self._files.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether ``path`` is the file that was opened: another process may have replaced it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
