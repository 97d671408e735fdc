"""Convert a name that a user gives to the file name under which Polyaxon finds it."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from axonlog.errors import EventError

# File systems take 255 bytes; the rest is for a step, an extension and a temporary suffix.
_MAX_LENGTH = 200

_DROPPED = re.compile(r"[^\w\s\-./\\]", re.ASCII)
_SLASHES = re.compile(r"[/\\]+")
_RUNS = re.compile(r"[-.\s]+")


def check_name(name: object) -> str:
    """``name`` itself.

    Raises:
        EventError: It is not a string, or is empty.
    """
    if not isinstance(name, str):
        raise EventError(f"a name must be a string, not {type(name).__name__}: {name!r}")
    if not name.strip():
        raise EventError(f"a name must hold at least one character, not {name!r}")
    return name


def clean_name(name: object) -> str:
    """The name under which Polyaxon files something that the user called ``name``.

    ``train/loss`` becomes ``train__loss`` and ``a.b`` becomes ``a-b``, as in the original. What
    the original cannot write (a name of which nothing is left, or too long for a file system)
    gets a name of its own made from its code points or its digest.

    Raises:
        EventError: ``name`` is not a string, or is empty.
    """
    name = check_name(name)
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    cleaned = _DROPPED.sub("", ascii_only).strip()
    cleaned = _RUNS.sub("-", "__".join(_SLASHES.split(cleaned)))
    if not cleaned:
        cleaned = "u" + "-".join(f"{ord(character):x}" for character in name)
    if len(cleaned) > _MAX_LENGTH:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        cleaned = f"{cleaned[: _MAX_LENGTH - 13]}-{digest}"
    return cleaned
