"""Replace files atomically: a reader never sees a partial one."""

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

    With ``ascii_only`` texts may hold lone surrogates. With ``is_new`` a file that exists by then
    stays as it is.
    """
    indent, separators = (None, (",", ":")) if compact else (2, None)
    text = json.dumps(
        document, indent=indent, separators=separators, ensure_ascii=ascii_only, allow_nan=False
    )
    with replacing(path, is_new=is_new) as temporary:
        temporary.write_text(text, encoding="utf-8")


# Names of temporary files: short, however long the file's own name is, and unlike any user's.
PART_PREFIX, PART_SUFFIX = ".axonlog-", ".part"


def is_part(name: str) -> bool:
    """Whether this is the name of a temporary file or folder."""
    return name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX)


@contextlib.contextmanager
def replacing(path: Path, *, is_new: bool = False) -> Iterator[Path]:
    """A temporary path to write to, which replaces ``path`` when the block ends without an error.

    With ``is_new`` only if ``path`` does not exist by then.
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
            _move_if_absent(temporary, path)
        else:
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _move_if_absent(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # what came first stays
    except OSError:  # a file system without links
        if not path.exists():
            temporary.replace(path)
            return
    temporary.unlink()


def _read_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


# Read once: asking means setting it, which another thread that makes a file just then would feel.
_UMASK = _read_umask()
