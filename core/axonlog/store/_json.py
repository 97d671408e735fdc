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

# What shares parts with itself can unfold to more than any memory holds.
_MAX_NODES = 100_000


def to_json_value(value: Any) -> Any:
    """``value`` as what JSON can hold; never raises, never calls the user's objects.

    NaN and infinities become None (JSON has no word for them), arrays become lists, enums their
    value, dataclasses and mappings dictionaries with string keys; everything else its ``repr``.
    What holds itself, or is deeper than 20 or larger than 100,000 nodes, ends in a ``repr`` too.
    """
    return _Conversion().convert(value)


def to_text(text: object) -> str:
    """``text`` as UTF-8 can hold it: a lone surrogate, as in a file name, becomes ``?``."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


class _Conversion:
    def __init__(self) -> None:
        self._above: list[int] = []  # the containers that what is converted now lies in
        self._nodes = 0

    def convert(self, value: Any) -> Any:
        if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
            return value
        if isinstance(value, Enum):
            return self.convert(value.value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, str):
            return to_text(value)
        if isinstance(value, Decimal):
            return self.convert(float(value))
        if isinstance(value, (datetime, date)):
            return value.isoformat()
        if isinstance(value, PurePath):
            return to_text(value)
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        self._nodes += 1
        if id(value) in self._above or len(self._above) >= _MAX_DEPTH or self._nodes > _MAX_NODES:
            return "..." if isinstance(value, (Mapping, Sequence, Set)) else _describe(value)
        self._above.append(id(value))
        try:
            return self._convert_parts(value)
        finally:
            self._above.pop()

    def _convert_parts(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {to_text(key): self.convert(item) for key, item in value.items()}
        if isinstance(value, (Sequence, Set)) and not isinstance(
            value, (bytes, bytearray, memoryview)
        ):
            return [self.convert(item) for item in value]
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return {field.name: self.convert(getattr(value, field.name)) for field in fields}
        # Arrays and scalars of the numeric libraries, and pydantic models, by what they offer.
        for method in ("tolist", "model_dump"):
            convert = getattr(value, method, None)
            if callable(convert):
                try:
                    return self.convert(convert())
                except Exception as error:  # noqa: BLE001  # a foreign method may raise anything
                    return f"{_describe(value)} ({type(error).__name__}: {error})"
        name = getattr(value, "__qualname__", None)
        if isinstance(name, str):  # a function, named as its definition is
            return f"{getattr(value, '__module__', '?')}.{name}"
        return _describe(value)


def _describe(value: Any) -> str:
    try:
        return to_text(repr(value))
    except Exception:  # noqa: BLE001  # a foreign __repr__ may raise anything
        return f"<{type(value).__name__}>"
