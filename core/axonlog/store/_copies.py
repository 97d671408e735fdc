"""Bring files and folders into a run's directory, and tell them apart by a digest."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from ._files import replacing


def copy_into(source: Path, target: Path) -> None:
    """Copy a file or a folder; what stands at ``target`` is replaced when the copy is whole.

    Raises:
        OSError: The source cannot be read or the copy cannot be written.
    """
    if source.resolve() == target.resolve():
        return  # the user saved it where it belongs
    if not source.is_dir():
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{target.name}.", suffix=".tmp", dir=target.parent
    ) as room:
        fresh, old = Path(room) / "new", Path(room) / "old"
        shutil.copytree(source, fresh)
        if target.exists():
            target.replace(old)
        fresh.replace(target)


def digest(path: Path) -> str | None:
    """The first 12 hex digits of the MD5 of a file, or of all files of a folder in order.

    Polyaxon's lineage identifies content so; it is no protection against anyone. None where
    there is nothing to read.
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
