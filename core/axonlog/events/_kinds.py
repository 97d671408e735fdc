"""The closed set of artifact kinds that Polyaxon knows, and how events of each kind are filed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal


class ArtifactKind(str, Enum):
    """What an event or an artifact is; the value is the word in files and on the wire."""

    ANALYSIS = "analysis"
    ARTIFACT = "artifact"
    AUDIO = "audio"
    CHART = "chart"
    CODEREF = "coderef"
    CONFUSION = "confusion"
    CSV = "csv"
    CURVE = "curve"
    DATA = "data"
    DATAFRAME = "dataframe"
    DIR = "dir"
    DOCKERFILE = "dockerfile"
    DOCKER_IMAGE = "docker_image"
    ENV = "env"
    FILE = "file"
    HISTOGRAM = "histogram"
    HTML = "html"
    IMAGE = "image"
    ITERATION = "iteration"
    MARKDOWN = "markdown"
    METRIC = "metric"
    MODEL = "model"
    PSV = "psv"
    SPAN = "span"
    SSV = "ssv"
    SYSTEM = "system"
    TABLE = "table"
    TENSOR = "tensor"
    TENSORBOARD = "tensorboard"
    TEXT = "text"
    TSV = "tsv"
    VIDEO = "video"

    def __str__(self) -> str:
        return self.value


def _read_document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return float(text)  # `nan` and `inf` as Python writes them


@dataclass(frozen=True)
class EventKind:
    """How the events of one kind are filed.

    Attributes:
        name: The kind; also the key of the value, and the name of the folder below ``events``.
        format: Of the file. ``table``: the header ``step|timestamp|<kind>``, then
            ``<step>|<timestamp>|<value>`` for each event. ``lines``: an empty line, then one JSON
            object with the keys ``timestamp``, ``step`` and ``<kind>`` for each event.
        read: From the text of a value to the value. Raises ``ValueError`` (or ``RecursionError``,
            of JSON that is nested too deeply) where the text is none of this kind.
        has_asset: Whether a row may point to a file in the folder ``assets/<kind>``.
    """

    name: str
    format: Literal["table", "lines"] = "table"
    read: Callable[[str], Any] = _read_document
    has_asset: bool = True


# Declared here are the kinds that differ from a table of small documents with assets.
_DECLARED = {
    kind.name: kind
    for kind in (
        EventKind(ArtifactKind.METRIC.value, read=float, has_asset=False),
        EventKind(ArtifactKind.HISTOGRAM.value, has_asset=False),
        EventKind(ArtifactKind.CURVE.value, has_asset=False),
        EventKind(ArtifactKind.CONFUSION.value, has_asset=False),
        EventKind(ArtifactKind.SYSTEM.value, has_asset=False),
        EventKind(ArtifactKind.TEXT.value, "lines", read=str, has_asset=False),
        EventKind(ArtifactKind.HTML.value, "lines", read=str, has_asset=False),
        EventKind(ArtifactKind.CHART.value, "lines", read=json.loads, has_asset=False),
        EventKind(ArtifactKind.SPAN.value, "lines", read=json.loads, has_asset=False),
    )
}


def event_kind(kind: str) -> EventKind:
    """How events of ``kind`` are filed; a kind that Polyaxon does not know is a table."""
    return _DECLARED.get(kind) or EventKind(str(kind))
