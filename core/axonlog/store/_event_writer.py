"""Append rows to event files."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from axonlog.events import header, torn_tail_bytes

from ._atomic import replacing
from ._file_lock import ThreadLock
from ._merge import merge_rows

_log = logging.getLogger("axonlog")

# A run may have thousands of metrics, a process often only 1,024 descriptors.
_MAX_OPEN_FILES = 128


class Appended(NamedTuple):
    """The size of a file before and after rows were added, and which file it is."""

    size_before: int
    size_bytes: int
    inode: int


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

    def append(self, path: Path, kind: str, rows: str) -> Appended:
        """Add ``rows`` (each begins with its line break) to the event file ``path``.

        Raises:
            OSError: The rows are not in the file, and the file is as it was before.
        """
        with self._lock:
            descriptor = self._descriptor(path)
            status = os.fstat(descriptor)
            before = status.st_size
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
            return Appended(before, before + len(data), status.st_ino)

    def restore(self, path: Path, size_bytes: int) -> bytes:
        """Cut an event file back to the size that it had; 0 takes it away.

        Returns:
            What was cut off. Nothing where the file is shorter by now: it never gets longer.

        Raises:
            OSError: It cannot be done.
        """
        with self._lock:
            self._close(path)
            try:
                if not path.is_file():
                    return b""
                with path.open("rb+") as file:
                    file.seek(size_bytes)
                    cut = file.read()
                    if cut:
                        file.truncate(size_bytes)
            except FileNotFoundError:
                return b""
            if not size_bytes:
                path.unlink(missing_ok=True)
            return cut

    def drop_torn_tail(self, path: Path, kind: str) -> None:
        """Take away a last row that a crash tore, before others follow it.

        In the middle of the file it would cost the server's reader the whole file. To be called
        while no other process appends.

        Raises:
            OSError: The file cannot be read or cut.
        """
        try:
            with path.open("rb") as file:
                torn_bytes = torn_tail_bytes(file, kind)
                end = file.seek(0, os.SEEK_END)
        except (FileNotFoundError, IsADirectoryError):
            return
        if torn_bytes and (torn := self.restore(path, end - torn_bytes)):
            _log.warning(
                "%s: its last row was torn by a crash, and is taken away: %r",
                path,
                torn[:60].decode("utf-8", "replace").strip("\n"),
            )

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
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, flags, 0o666)
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
