"""Any Python value as JSON, because a hyperparameter must never end a run."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any

_log = logging.getLogger("axonlog")

_MAX_DEPTH = 20

# A document is written whole each time that it changes. And what shares parts with itself can
# unfold to more than any memory holds.
_MAX_NODES = 10_000
_MAX_TEXT = 100_000
_SHOWN_NODES = 10
_SHOWN_TEXT = 1000
_PORTION = 4096
_PLAIN = {int, float, bool, str, type(None)}


def to_json_value(value: Any) -> Any:
    """``value`` as what JSON can hold; never raises, never calls the user's objects.

    NaN and infinities become None (JSON has no word for them), arrays become lists, enums their
    value, dataclasses and mappings dictionaries with string keys; everything else its ``repr``.
    What holds itself, or is deeper than 20, ends in a ``repr`` too. What has more than 10,000
    parts, or is a longer text than 100,000 characters, is described: its type, its length, a
    digest and the first of it.
    """
    try:
        return _Conversion().convert(value)
    except _TooLargeError:
        return _describe_large(value)


def to_json_fields(fields: Mapping[Any, Any], *, described: set[str]) -> dict[str, Any]:
    """``to_json_value`` of each value, under the name that JSON can hold.

    Args:
        fields: By name.
        described: Names of values that are too large to be kept whole. Those that are not in it
            yet are logged, and are added.
    """
    converted = {}
    for key, value in fields.items():
        name = to_text(key)
        try:
            converted[name] = _Conversion().convert(value)
        except _TooLargeError:
            converted[name] = _describe_large(value)
            if name not in described:
                described.add(name)
                _log.warning(
                    "%r is too large to be kept in the run's document: its type, its length, a "
                    "digest and the first of it are; log it as a file with log_artifact()",
                    name,
                )
    return converted


def to_text(text: object) -> str:
    """``text`` as UTF-8 can hold it: a lone surrogate, as in a file name, becomes ``?``."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


class _TooLargeError(Exception):
    """A value has more parts than are kept."""


class _Conversion:
    def __init__(self, max_nodes: int = _MAX_NODES) -> None:
        self._above: list[int] = []  # the containers that what is converted now lies in
        self._nodes = 0
        self._max_nodes = max_nodes

    def convert(self, value: Any) -> Any:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise _TooLargeError
        if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
            return value
        if isinstance(value, Enum):
            return self.convert(value.value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, str):
            if len(value) > _MAX_TEXT:
                raise _TooLargeError
            return to_text(value)
        if isinstance(value, Decimal):
            return self.convert(float(value))
        if isinstance(value, (datetime, date)):
            return value.isoformat()
        if isinstance(value, PurePath):
            return to_text(value)
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        if id(value) in self._above or len(self._above) >= _MAX_DEPTH:
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
        if _size_of_array(value) > self._max_nodes:
            raise _TooLargeError
        for method in ("tolist", "model_dump"):
            convert = getattr(value, method, None)
            if callable(convert):
                try:
                    return self.convert(convert())
                except _TooLargeError:
                    raise
                except Exception as error:  # noqa: BLE001  # a foreign method may raise anything
                    return f"{_describe(value)} ({type(error).__name__}: {error})"
        name = getattr(value, "__qualname__", None)
        if isinstance(name, str):  # a function, named as its definition is
            return f"{getattr(value, '__module__', '?')}.{name}"
        return _describe(value)


def _describe(value: Any) -> str:
    try:
        text = to_text(repr(value))
    except Exception:  # noqa: BLE001  # a foreign __repr__ may raise anything
        return f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_TEXT else f"{text[:_SHOWN_TEXT]}..."


def _size_of_array(value: Any) -> int:
    """The number of elements of an array of any library; 0 for everything else."""
    try:
        return math.prod(map(int, value.shape)) if hasattr(value, "tolist") else 0
    except Exception:  # noqa: BLE001  # as above
        return 0


def _describe_large(value: Any) -> dict[str, Any]:
    """What is kept of a value that is too large; ``digest`` is of the whole."""
    described: dict[str, Any] = {"type": type(value).__name__}
    if isinstance(value, str):
        digest = hashlib.md5(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        first = to_text(value[:_SHOWN_TEXT])
        return {**described, "length": len(value), "first": first, "digest": digest[:12]}
    if _size_of_array(value):
        described["shape"] = [int(size) for size in value.shape]
        with contextlib.suppress(Exception):  # as above; not every array can be reshaped
            items = value.reshape(-1)[:_SHOWN_NODES].tolist()
            described["first"] = [_convert_little(item) for item in items]
        with contextlib.suppress(Exception):  # of a device, or with a gradient
            content = memoryview(value).tobytes()
            described["digest"] = hashlib.md5(content, usedforsecurity=False).hexdigest()[:12]
        return described
    if isinstance(value, Mapping):
        pairs = islice(value.items(), _SHOWN_NODES)
        shown: Any = {to_text(key): _convert_little(item) for key, item in pairs}
    elif isinstance(value, (Sequence, Set)):
        shown = [_convert_little(item) for item in islice(value, _SHOWN_NODES)]
    else:
        return {**described, "first": _describe(value)[:_SHOWN_TEXT]}
    described |= {"length": len(value), "first": shown}
    if isinstance(value, Sequence):
        described["digest"] = _digest_of(value)
    return described


def _convert_little(value: Any) -> Any:
    try:
        return _Conversion(_SHOWN_NODES).convert(value)
    except _TooLargeError:
        return "..."


def _digest_of(values: Sequence[Any]) -> str:
    """The first 12 hex digits of an MD5 of the items, nested ones down to a few parts."""
    md5 = hashlib.md5(usedforsecurity=False)
    items = iter(values)
    while portion := list(islice(items, _PORTION)):
        if not _PLAIN.issuperset(map(type, portion)):
            portion = [_convert_little(item) for item in portion]
        md5.update(repr(portion).encode("utf-8", "replace"))
    return md5.hexdigest()[:12]
