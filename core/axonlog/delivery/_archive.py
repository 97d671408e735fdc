"""Many small files in one request."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from axonlog.store import FileSignature

_IN_MEMORY_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Packed:
    """One file of an archive: its state, and the MD5 of its content in hex digits."""

    signature: FileSignature
    digest: str


def pack(files: Iterable[Path], room: Path) -> tuple[BinaryIO, dict[str, Packed]]:
    """A ``tar.gz`` of small files, each under its bare name; to be closed by the caller.

    Rows are appended to event files in single writes, so that what is read here ends with a
    whole row, whatever is logged meanwhile. A file that cannot be read is left out.

    Args:
        files: Of one folder.
        room: A folder for the archive, if it gets too large for memory.

    Returns:
        The archive, to be read from its beginning, and what is in it, by name.

    Raises:
        OSError: There is no room.
    """
    packed: dict[str, Packed] = {}
    # Closed by the caller.
    spooled = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=os.fspath(room))  # noqa: SIM115
    buffer = cast(BinaryIO, spooled)
    try:
        # Level 1: the archive is small, and the processor belongs to the training.
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            for file in files:
                try:
                    with file.open("rb") as stream:
                        signature = FileSignature.from_stat(os.fstat(stream.fileno()))
                        content = stream.read()
                except OSError:
                    continue
                entry = tarfile.TarInfo(file.name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
                packed[file.name] = Packed(
                    FileSignature(size_bytes=len(content), modified_ns=signature.modified_ns),
                    hashlib.md5(content, usedforsecurity=False).hexdigest(),
                )
        buffer.seek(0)
    except BaseException:
        buffer.close()
        raise
    return buffer, packed
