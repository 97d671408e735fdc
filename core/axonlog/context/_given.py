"""Tell an argument that was given at its default from one that was not given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from axonlog.context._fields import READERS

_P = ParamSpec("_P")
_R = TypeVar("_R")


def absent_unless_given(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Hand ``function`` None for each setting that is left out and has True or False as default.

    Its signature goes on showing the value that holds when no source says anything, as the
    original's does. What counts is whether the caller said it: ``track_code=True`` is an answer,
    which the trainer's config must not overrule, and leaving it out is none.
    """
    places = {
        parameter.name: index if parameter.kind is parameter.POSITIONAL_OR_KEYWORD else None
        for index, parameter in enumerate(inspect.signature(function).parameters.values())
        if parameter.name in READERS and isinstance(parameter.default, bool)
    }

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        given: dict[str, Any] = dict(kwargs)
        for name, index in places.items():
            if index is None or index >= len(args):
                given.setdefault(name, None)
        return function(*args, **given)  # the same, with absences

    return call
