"""Convert what a log call is given to the types that the files hold."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

from axonlog.errors import EventError

_UTC = timezone.utc


def to_metric_value(value: Any) -> float:
    """The number in ``value``.

    Args:
        value: A float, int, bool, Decimal, or anything that holds exactly one
            number: NumPy, torch, JAX or TensorFlow scalars and arrays of one element, of any
            device, with or without gradient. NaN and infinities are kept.

    Raises:
        EventError: It does not hold exactly one number.
    """
    if type(value) is float:
        return value
    if isinstance(value, (int, float)):
        return _as_float(value)
    if value is None or isinstance(value, (str, bytes, list, tuple, dict, set, complex)):
        raise _not_a_number(value)
    try:
        item = _only_item(value)
        if isinstance(item, (str, bytes)):
            raise _not_a_number(value)
        return _as_float(item)
    except EventError:
        raise
    except Exception as error:  # methods of a user's object may raise anything
        raise _not_a_number(value) from error


def _only_item(value: Any) -> Any:
    """The one number in an array of any library, copied from its device."""
    item = getattr(value, "item", None)
    if item is None and hasattr(value, "numpy"):
        item = getattr(value.numpy(), "item", None)
    if item is None:
        return value
    size = getattr(value, "size", 1)
    if callable(size):  # torch: a method that gives the shape
        size = math.prod(size())
    if size != 1:
        raise EventError(f"a metric takes one number, not an array of {size}")
    return item()


def to_step(step: Any) -> int | None:
    """The integer in ``step``; it may repeat, go back or be missing.

    Raises:
        EventError: It is not a whole number.
    """
    if step is None or type(step) is int:
        return step
    try:
        number = step if isinstance(step, (int, float)) else _integer_in(step)
        if number == int(number):
            return int(number)
    except (TypeError, ValueError, OverflowError) as error:
        raise EventError(f"a step must be a whole number, not {step!r}") from error
    raise EventError(f"a step must be a whole number, not {step!r}")


def to_timestamp(timestamp: Any) -> datetime:
    """The moment in ``timestamp``, with a time zone; a naive one counts as UTC.

    Args:
        timestamp: A datetime, an ISO 8601 string, or seconds since 1970.

    Raises:
        EventError: It is none of these.
    """
    try:
        if isinstance(timestamp, str):
            # fromisoformat reads a trailing Z only since Python 3.11.
            moment = datetime.fromisoformat(timestamp.strip().replace("Z", "+00:00"))
        elif isinstance(timestamp, datetime):
            moment = timestamp
        else:
            moment = datetime.fromtimestamp(float(timestamp), _UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise EventError(
            f"a timestamp must be a datetime, an ISO 8601 string or seconds, not {timestamp!r}"
        ) from error
    return moment.replace(tzinfo=_UTC) if moment.tzinfo is None else moment


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise EventError("a metric must fit a 64-bit float; this integer does not") from error
    except (TypeError, ValueError) as error:
        raise _not_a_number(value) from error


def _integer_in(step: Any) -> int | float:
    if isinstance(step, (str, bytes)):
        raise TypeError("text is no number")
    number = step.item() if hasattr(step, "item") else int(step)
    if not isinstance(number, (int, float)):
        raise TypeError(f"{type(number).__name__} is no number")
    return number


def _not_a_number(value: Any) -> EventError:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # as above
        text = ""
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return EventError(f"a metric must be one number, not {type(value).__name__} {shown}")
