"""Which guarantees a file system gives."""

from __future__ import annotations

import os
from pathlib import Path

# On these a store to an allocated page never fails. On network file systems and FUSE it may fault
# and kill the process; where blocks are copied on write it may need a new one on a full disk.
_MAPPABLE = frozenset({"ext2", "ext3", "ext4", "overlay", "ramfs", "tmpfs", "xfs"})

# Their inodes may change with each mount, or when the system drops its cache.
_CHANGING_INODES = ("fuse", "9p", "drvfs", "vboxsf", "prl_fs", "cifs", "smb")

_MOUNTS = Path("/proc/self/mountinfo")


def can_be_mapped(folder: Path) -> bool:
    """Whether stores into a mapped, allocated file below ``folder`` never fault."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False  # not Linux
    return file_system_of(os.path.realpath(folder), mounts) in _MAPPABLE


def has_stable_inodes(folder: Path) -> bool:
    """Whether a file below ``folder`` keeps its inode as long as it is there."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return True  # not Linux
    kind = file_system_of(os.path.realpath(folder), mounts)
    return kind is not None and not kind.startswith(_CHANGING_INODES)


def file_system_of(path: str, mounts: str) -> str | None:
    """The type of the file system that ``path`` (absolute, without links) lies on.

    Args:
        path: Need not exist.
        mounts: The text of ``/proc/self/mountinfo``.
    """
    best, found = -1, None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 7 or " - " not in line:
            continue
        point = _unescape(fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one is seen.
        if inside and len(point) >= best:
            best, found = len(point), line.partition(" - ")[2].split(" ")[0]
    return found


def _unescape(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
