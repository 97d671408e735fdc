"""Text and HTML: the value of the row is the text itself."""

from __future__ import annotations

from typing import Any

from axonlog.errors import EventError
from axonlog.events import ArtifactKind

from ._snapshot import Encoded, Snapshot


def take_text(text: str) -> Snapshot:
    """A text of any length; an empty one is a value too.

    Raises:
        EventError: It is not a string.
    """
    return _take(text, ArtifactKind.TEXT)


def take_html(html: str) -> Snapshot:
    """A piece of HTML of any length, kept as it is and not checked.

    Raises:
        EventError: It is not a string.
    """
    return _take(html, ArtifactKind.HTML)


def encode(snapshot: Snapshot) -> Encoded:
    """The text as the value of its row."""
    return Encoded(row=snapshot.parameters["text"])


def _take(text: Any, kind: ArtifactKind) -> Snapshot:
    if not isinstance(text, str):
        raise EventError(f"{kind} must be a str, not {type(text).__name__}: pass str(value)")
    # A subclass, such as numpy's, is no object for another process.
    return Snapshot(kind=kind, encoder="text", parameters={"text": str.__str__(text)})
