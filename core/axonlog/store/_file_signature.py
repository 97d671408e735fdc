"""Tell whether a file is still the one that was read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileSignature:
    """The state of a file: equal as long as nobody has written or replaced it.

    Attributes:
        size_bytes: Its size.
        modified_ns: Its time of change, in nanoseconds since 1970.
        inode: Tells a file from one that replaced it within one tick of the file system's clock.
            None where a copy of the file, on another disk, counts as the same.
    """

    size_bytes: int
    modified_ns: int
    inode: int | None = None

    @classmethod
    def of(cls, path: Path) -> FileSignature | None:
        """The state of the file in ``path``; None where it is missing.

        Raises:
            OSError: It cannot be asked.
        """
        try:
            return cls.from_stat(path.stat(), with_inode=True)
        except FileNotFoundError:
            return None

    @classmethod
    def from_stat(cls, status: os.stat_result, *, with_inode: bool = False) -> FileSignature:
        """The state that a ``stat`` found."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino if with_inode else None)
