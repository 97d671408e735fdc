"""Many small files in one request."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


def pack(files: Iterable[Path]) -> BinaryIO:
    """A ``tar.gz`` of files, each under its bare name.

    Rows are appended to event files in single writes, so that what is read here ends with a
    whole row, whatever is logged meanwhile.

    Raises:
        OSError: A file cannot be read.
    """
    buffer = io.BytesIO()
    # Level 1: the archive is small, and the processor belongs to the training.
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for file in files:
            content = file.read_bytes()
            entry = tarfile.TarInfo(file.name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
