r"""Rows of ``.plx`` files.

A table starts with the header ``step|timestamp|<kind>``. Each event follows as
``\n<step or empty>|<timestamp>|<value>``; nothing is quoted there. A file of JSON lines has no
header; each event follows as ``\n{"timestamp": ..., "step": ..., "<kind>": ...}``. The line break
stands *before* the row, so a table never ends with one, and JSON lines begin with an empty line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from ._kinds import event_kind


def header(kind: str) -> str:
    """What a file of this kind begins with: for a table its first line, without a line break."""
    return f"step|timestamp|{kind}" if event_kind(kind).format == "table" else ""


def row_prefix(step: int | None, time: str) -> str:
    """All of a table's row but its value; ``time`` is formatted."""
    return f"\n{'' if step is None else step}|{time}|"


def event_row(kind: str, step: int | None, timestamp: datetime, value: Any) -> str:
    """One event, with the line break before it.

    Args:
        kind: Of the event; it decides about the format.
        step: Its step, if it has one.
        timestamp: Its moment, with a time zone.
        value: A float for a metric; ``nan`` and ``inf`` are written as such. A string for text and
            HTML. For other kinds a mapping, which is written without the keys that are None and
            with null for NaN and infinities; or a string that is JSON already.
    """
    time = format_time(timestamp)
    text = _to_text(value)
    if event_kind(kind).format == "lines":
        return "\n" + json.dumps({"timestamp": time, "step": step, str(kind): text})
    # A bar would end the column for every reader, a line break the row; so it is the same JSON.
    text = text.replace("|", "\\u007c").replace("\n", " ").replace("\r", " ")
    return row_prefix(step, time) + text


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return float.__repr__(value)  # NumPy's own float64 would name its type
    given = {key: _finite(item) for key, item in value.items() if item is not None}
    return json.dumps(given, separators=(",", ":"), allow_nan=False)


def format_time(timestamp: datetime) -> str:
    """A moment as it stands in a row."""
    # Always with microseconds: one row without them turns the whole column into text for pandas.
    return timestamp.isoformat(" ", "microseconds")


def format_seconds(seconds: float) -> str:
    """A moment in seconds since 1970, in UTC, as it stands in a row."""
    whole = math.floor(seconds)
    return f"{_format_second(whole)}.{int((seconds - whole) * 1e6):06d}+00:00"


# A thousand points of one second share the slow part.
@lru_cache(maxsize=16)
def _format_second(whole: int) -> str:
    return datetime.fromtimestamp(whole, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
