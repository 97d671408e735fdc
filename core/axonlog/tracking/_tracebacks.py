"""Short tracebacks for mistakes of the user.

An error of ours says what happened, to what, and what to do. The frames in which it was found out
say nothing more to the user, and there are up to thirty of them. They are left out where the call
returns to the user's code; ``__context__`` still holds what was behind the error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from axonlog.errors import AxonlogError

_P = ParamSpec("_P")
_R = TypeVar("_R")


def short_traceback(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """``function``, whose errors of ours show the caller's frame and one of ours."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        __tracebackhide__ = True  # what IPython and pytest go by
        try:
            return function(*args, **kwargs)
        except AxonlogError as error:
            raise without_frames(error) from None

    return call


def without_frames(error: AxonlogError) -> AxonlogError:
    """``error`` without its frames; what it was raised from is only in ``__context__`` then."""
    cause = error.__cause__
    if cause is not None:
        error.__cause__, error.__context__ = None, cause
    return error.with_traceback(None)
