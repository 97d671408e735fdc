"""Files that a user already has, which are kept as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axonlog.errors import EventError


def as_file(value: Any, what: str) -> Path | None:
    """The file that ``value`` names; None where it is no path.

    Args:
        value: Anything; a str or path-like object counts as a path.
        what: "an image", for the message.

    Raises:
        EventError: It is a path, and no file is there.
    """
    if not isinstance(value, (str, os.PathLike)):
        return None
    path = os.fspath(value)
    # On a name that is too long, or holds a zero byte, `Path.is_file` would raise.
    if not isinstance(path, str) or not os.path.isfile(path):  # noqa: PTH113
        raise EventError(f"no such file for {what}: {path!r}")
    return Path(path)


def extension_of(path: Path) -> str:
    """All that follows the first dot of its name, in lower case; Polyaxon's rule for assets."""
    return path.name.partition(".")[2].lower()
