"""Refuse an argument of a wrong type with a sentence, before anything is done with it."""

from __future__ import annotations

import math
import os
from enum import Enum
from typing import Any

from axonlog.errors import ArgumentTypeError


def check_path(name: str, value: Any) -> None:
    """Refuse what is no path.

    Raises:
        ArgumentTypeError: It is neither text nor a path.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentTypeError(f"{name} must be text or a path, not {type(value).__name__}")


def check_text(name: str, value: Any) -> None:
    """Refuse what is neither text nor None.

    Raises:
        ArgumentTypeError: It is something else.
    """
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must be text, not {type(value).__name__}")


def check_seconds(name: str, value: Any) -> None:
    """Refuse what is neither a number of seconds nor None.

    Raises:
        ArgumentTypeError: It is something else.
    """
    is_number = isinstance(value, (int, float)) and not math.isnan(value)
    if value is not None and not is_number:
        raise ArgumentTypeError(f"{name} must be a number of seconds, not {value!r:.60}")


def not_a_mapping(function: str, value: Any) -> ArgumentTypeError:
    """The error for ``value`` in the place of a mapping of names and values."""
    advice = "pass vars(...) of it" if hasattr(value, "__dict__") else "pass name=value"
    kind = type(value).__name__
    return ArgumentTypeError(
        f"{function}() takes a mapping of names and values, not {kind}: {advice}"
    )


def text_of(word: object) -> str:
    """``word``, or what a member of an enum stands for: its ``str`` would be `Kind.MODEL`."""
    return str(word.value if isinstance(word, Enum) else word)
