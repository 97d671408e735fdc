"""Which module encodes a snapshot."""

from __future__ import annotations

from importlib import import_module

from axonlog.errors import EventError

from ._snapshot import Encoded, Snapshot

# A snapshot may have been read from a file: it names one of these, never any other module.
ENCODERS = frozenset({"audio", "image", "text", "video"})


def encode(snapshot: Snapshot) -> Encoded:
    """The row of an event, and the file beside it.

    Reads nothing but the snapshot and its ``source``: any thread or process may do it.

    Raises:
        EventError: No encoder has that name, the content cannot be encoded, or a library that it
            needs is not installed in this process.
    """
    if snapshot.encoder not in ENCODERS:
        raise EventError(
            f"no encoder is called {snapshot.encoder!r}; there are {', '.join(sorted(ENCODERS))}"
        )
    encoded: Encoded = import_module(f"axonlog.media._{snapshot.encoder}").encode(snapshot)
    return encoded
