"""The newest status of an attempt, in bytes that were reserved when the attempt began.

A full disk may refuse the run document when the run ends. A file that is there already, with all
of its blocks, can still be written in place: so the ending is on disk before anything can fail.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from zlib import crc32

from pydantic import ValidationError

from ._document import Condition

# One block, so that a write is whole or missing.
_SIZE_BYTES = 4096

_PREFIX = struct.Struct("<II")  # length and CRC-32 of what follows: JSON, then zeros
_LONGEST_BYTES = _SIZE_BYTES - _PREFIX.size


def reserve_status(path: Path) -> None:
    """Make the file, with space for one status and none in it yet.

    Raises:
        OSError: There is no space.
    """
    # Zeros that are written, not `posix_fallocate`: blocks that were only promised may need
    # more space when they are first written to.
    path.write_bytes(bytes(_SIZE_BYTES))


def write_status(path: Path, condition: Condition) -> None:
    """Replace the status in a file that was reserved; a message that is too long is cut.

    Raises:
        OSError: It cannot be written, or nothing was reserved.
    """
    data = _to_json(condition)
    if len(data) > _LONGEST_BYTES:
        # A character of JSON has six bytes at most.
        shorter = {
            "message": (condition.message or "")[:500],
            "reason": condition.reason[:100] if condition.reason else None,
        }
        data = _to_json(condition.model_copy(update=shorter))
    block = (_PREFIX.pack(len(data), crc32(data)) + data).ljust(_SIZE_BYTES, b"\0")
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        written = os.pwrite(descriptor, block, 0)
    finally:
        os.close(descriptor)
    if written != _SIZE_BYTES:
        raise OSError(f"{path}: only {written} of {_SIZE_BYTES} bytes could be written")


def read_status(path: Path) -> Condition | None:
    """The status in the file; None where there is none, or only part of one.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        block = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(block) < _PREFIX.size:
        return None
    length, crc = _PREFIX.unpack_from(block)
    data = block[_PREFIX.size : _PREFIX.size + length]
    if not data or crc32(data) != crc:
        return None
    try:
        return Condition.model_validate_json(data)
    except ValidationError:
        return None  # of another version


def _to_json(condition: Condition) -> bytes:
    return condition.model_dump_json(exclude_none=True).encode("utf-8")
