"""Copy files and folders into a run's directory, and compute their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from ._atomic import PART_PREFIX, PART_SUFFIX, replacing

# The size of one system call; Ctrl-C is handled between two of them.
_PORTION_BYTES = 64 * 1024 * 1024

# The kernel or the file system has no such call, or the files are on different file systems.
_CANNOT = frozenset(
    {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
)


# Linux has it; elsewhere Python copies.
_HAS_KERNEL_COPY = hasattr(os, "copy_file_range")


def copy_into(source: Path, target: Path) -> None:
    """Copy a file or a folder; what stands at ``target`` is replaced when the copy is whole.

    The caller waits for the copy. The kernel makes it: at once where the file system shares blocks
    (Btrfs, XFS), else at the speed of memory. A hard link would cost nothing, but the next
    ``torch.save`` to the same path would write into the linked file. A copy made later in the
    background might find the file changed or deleted.

    Raises:
        OSError: The source cannot be read or the copy cannot be written.
    """
    if source.resolve() == target.resolve():
        return  # the user saved it there already
    if not source.is_dir():
        with replacing(target) as temporary:
            _copy_file(source, temporary)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=target.parent
    ) as tmp_dir:
        fresh, old = Path(tmp_dir) / "new", Path(tmp_dir) / "old"
        shutil.copytree(source, fresh, copy_function=_copy_file)
        if target.exists():
            target.replace(old)
        fresh.replace(target)


def _copy_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    with Path(source).open("rb") as reader, Path(target).open("wb") as writer:
        copied = 0
        while _HAS_KERNEL_COPY:
            try:
                portion = os.copy_file_range(reader.fileno(), writer.fileno(), _PORTION_BYTES)
            except OSError as error:
                if copied or error.errno not in _CANNOT:
                    raise
                break
            if not portion:
                break
            copied += portion
        if not copied:
            # There is no such call, or the file has no true size, as those in /proc.
            shutil.copyfileobj(reader, writer, 1 << 20)


def digest(path: Path) -> str | None:
    """The first 12 hex digits of the MD5 of a file, or of all files of a folder in order.

    Polyaxon's lineage identifies content by it; it is no cryptographic protection. None if there
    is nothing to read.
    """
    md5 = hashlib.md5(usedforsecurity=False)
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file())
    elif path.is_file():
        files = [path]
    else:
        return None
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                md5.update(chunk)
    return md5.hexdigest()[:12]
