"""Write files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_json(
    path: Path,
    document: Any,
    *,
    compact: bool = False,
    ascii_only: bool = False,
    is_new: bool = False,
) -> None:
    """Replace ``path`` by ``document``: a reader sees the old file or the new one, whole.

    With ``ascii_only`` texts may hold what is no character, such as half of a surrogate pair.
    With ``is_new`` a file that has come into being meanwhile stays as it is.
    """
    indent, separators = (None, (",", ":")) if compact else (2, None)
    text = json.dumps(
        document, indent=indent, separators=separators, ensure_ascii=ascii_only, allow_nan=False
    )
    with replacing(path, is_new=is_new) as temporary:
        temporary.write_text(text, encoding="utf-8")


# What is being written: a short name, whatever the file is called, and one that no user gives.
PART_PREFIX, PART_SUFFIX = ".axonlog-", ".part"


def is_part(name: str) -> bool:
    """Whether a file or folder of this name is one that was not finished."""
    return name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX)


@contextlib.contextmanager
def replacing(path: Path, *, is_new: bool = False) -> Iterator[Path]:
    """A path to write to, beside ``path``; takes its place when the block ends well.

    With ``is_new`` only where nothing has that place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only the owner reads; a run's files are ordinary ones.
        temporary.chmod(0o666 & ~_UMASK)
        if is_new:
            _move_to_free(temporary, path)
        else:
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _move_to_free(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # what came first stays
    except OSError:  # a file system without links
        if not path.exists():
            temporary.replace(path)
            return
    temporary.unlink()


# What tells one state of a file that is replaced as a whole from the next.
Stamp = tuple[int, int, int]


def file_stamp(path: Path) -> Stamp | None:
    """The state of the file in ``path``; None where it is missing."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


# Read once: asking means setting it, which another thread that makes a file just then would feel.
_UMASK = _read_umask()
