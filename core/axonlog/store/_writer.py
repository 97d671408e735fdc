"""Append rows to event files."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from axonlog.events import header

from ._files import replacing
from ._merge import merge_rows

# A run may have thousands of metrics, a process often only 1,024 descriptors.
_MAX_OPEN_FILES = 128


@dataclass
class _OpenFile:
    descriptor: int
    size_bytes: int


class EventWriter:
    """Writes whole rows: each in one ``write`` on a descriptor that appends.

    What ``append`` was given is in the kernel's hands when it returns, so it outlives the
    process. A file is made together with its first row, because a reader refuses a file that
    holds a header only. Any thread may append. ``rows_appended`` counts them.
    """

    def __init__(self) -> None:
        self.rows_appended = 0
        self._files: OrderedDict[Path, _OpenFile] = OrderedDict()
        # Reentrant: a SIGTERM handler ends the run in the thread that may hold it.
        self._lock = threading.RLock()

    def append(self, path: Path, kind: str, row: str) -> None:
        """Add ``row`` (which begins with its line break) to the event file ``path``.

        Raises:
            OSError: The row is not in the file, and the file is as it was before.
        """
        with self._lock:
            file = self._files.get(path)
            if file is None:
                file = self._open(path)
            elif len(self._files) == _MAX_OPEN_FILES:
                self._files.move_to_end(path)
            data = (row if file.size_bytes else header(kind) + row).encode("utf-8")
            try:
                written = os.write(file.descriptor, data)
                if written != len(data):
                    raise OSError(f"{path}: only {written} of {len(data)} bytes could be written")
            except OSError:
                # A row torn in the middle of a file would cost its readers the whole file.
                with contextlib.suppress(OSError):
                    os.ftruncate(file.descriptor, file.size_bytes)
                self._close(path)  # the next row finds out what is there by then
                raise
            file.size_bytes += len(data)
            self.rows_appended += 1

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

    def _open(self, path: Path) -> _OpenFile:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        file = _OpenFile(descriptor, os.fstat(descriptor).st_size)
        if len(self._files) == _MAX_OPEN_FILES:
            oldest, _ = next(iter(self._files.items()))
            self._close(oldest)
        self._files[path] = file
        return file

    def _close(self, path: Path) -> None:
        file = self._files.pop(path, None)
        if file is not None:
            os.close(file.descriptor)
