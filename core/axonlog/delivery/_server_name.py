"""The name under which the server can show a run."""

from __future__ import annotations

import hashlib

from axonlog.events import clean_name

_MAX_LENGTH = 128


def server_name(name: str) -> str:
    """``name`` as the server takes it: at most 128 ASCII letters, digits, ``_`` and ``-``.

    It refuses a run with any other name for good, which no run deserves for a space in its name.
    The run's directory keeps the name as it was given.
    """
    cleaned = clean_name(name)
    if len(cleaned) > _MAX_LENGTH:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        cleaned = f"{cleaned[: _MAX_LENGTH - 13]}-{digest}"
    return cleaned
