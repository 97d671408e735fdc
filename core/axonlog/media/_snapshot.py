"""What travels from a log call to the event file: a value as it was given, then as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axonlog.events import ArtifactKind


@dataclass(frozen=True)
class Snapshot:
    """A value as a log call was given it: checked, and copied so that the caller may change it.

    Making one is all that a call costs; its encoder does the rest in another thread, or in another
    process if this one dies first. That is why it holds bytes and JSON, and no object of a library.

    Attributes:
        kind: The kind of the event, which is also the folder of its file.
        encoder: The module of this package whose ``encode`` takes the snapshot, without its
            leading underscore.
        parameters: What the encoder needs beside the bytes; JSON values only.
        buffers: Contiguous copies of arrays, described by ``parameters``.
        source: A file or folder whose content becomes the asset; copied before the call returns.
    """

    kind: ArtifactKind
    encoder: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    buffers: tuple[bytes | bytearray | memoryview, ...] = ()
    source: Path | None = None


@dataclass(frozen=True)
class Asset:
    """The file that a row points to.

    Attributes:
        content: Its bytes, or the file or folder that is to become it.
        extension: Without a dot; empty for none.
    """

    content: bytes | Path
    extension: str = ""


@dataclass(frozen=True)
class Encoded:
    """An event as it is kept.

    Attributes:
        row: The value of the row. A mapping gets the asset's ``path``, where there is one.
        asset: The file beside it.
    """

    row: Mapping[str, Any] | str
    asset: Asset | None = None
