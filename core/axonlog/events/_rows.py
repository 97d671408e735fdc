r"""Rows of ``.plx`` files.

A file of a table kind starts with the header ``step|timestamp|<kind>``. Each event follows as
``\n<step or empty>|<timestamp>|<value>``: the line break stands *before* the row, so that a file
never ends with one. Nothing is quoted in this format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any


def header(kind: str) -> str:
    """The first line of a table file, without a line break."""
    return f"step|timestamp|{kind}"


def row_prefix(step: int | None, time: str) -> str:
    """All of a row but its value; ``time`` is formatted."""
    return f"\n{'' if step is None else step}|{time}|"


def metric_row(step: int | None, timestamp: datetime, value: float) -> str:
    """One number; ``nan`` and ``inf`` are written as such."""
    return f"{row_prefix(step, format_time(timestamp))}{value!r}"


def json_row(step: int | None, timestamp: datetime, value: Mapping[str, Any]) -> str:
    """A small document: without the keys that are None, NaN as null."""
    given = {key: _finite(item) for key, item in value.items() if item is not None}
    text = json.dumps(given, separators=(",", ":"), allow_nan=False)
    # A bar would end the column for every reader; as an escape it is the same JSON value.
    text = text.replace("|", "\\u007c")
    return f"{row_prefix(step, format_time(timestamp))}{text}"


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
