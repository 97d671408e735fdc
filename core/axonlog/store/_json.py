"""Any Python value as JSON, because a hyperparameter must never end a run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

_MAX_DEPTH = 20


def to_json_value(value: Any) -> Any:
    """``value`` as what JSON can hold; never raises, never calls the user's objects.

    NaN and infinities become None (JSON has no word for them), arrays become lists, enums their
    value, dataclasses and mappings dictionaries with string keys; everything else its ``repr``.
    """
    return _convert(value, 0)


def _convert(value: Any, depth: int) -> Any:
    if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return _convert(value.value, depth)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        # A lone surrogate cannot be written as UTF-8.
        return value.encode("utf-8", "replace").decode("utf-8")
    if depth >= _MAX_DEPTH:  # also where a cycle ends
        return _describe(value)
    if isinstance(value, Mapping):
        return {str(key): _convert(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (Sequence, Set)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_convert(item, depth + 1) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _convert(float(value), depth)
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _convert(getattr(value, field.name), depth + 1) for field in fields}
    return _convert_foreign(value, depth)


def _convert_foreign(value: Any, depth: int) -> Any:
    """Arrays and scalars of the numeric libraries, and pydantic models, by what they offer."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    for method in ("tolist", "model_dump"):
        convert = getattr(value, method, None)
        if callable(convert):
            try:
                return _convert(convert(), depth + 1)
            except Exception as error:  # noqa: BLE001  # a foreign object's method may raise anything
                return f"{_describe(value)} ({type(error).__name__}: {error})"
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):  # a function, named as its definition is
        return f"{getattr(value, '__module__', '?')}.{name}"
    return _describe(value)


def _describe(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # a foreign __repr__ may raise anything
        return f"<{type(value).__name__}>"
