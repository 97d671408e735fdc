"""Short tracebacks for mistakes of the user.

An error of ours says what happened, to what, and what to do. The frames in which it was found out
say nothing more to the user, and there are up to thirty of them. They are left out where the call
returns to the user's code; ``__context__`` still holds what was behind the error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from axonlog.errors import AxonlogError

_T = TypeVar("_T", bound=Callable[..., Any])


def short_traceback(target: _T) -> _T:
    """A function or a class whose errors of ours show the caller's frame and one of ours."""
    if isinstance(target, type):
        target.__init__ = short_traceback(target.__init__)  # type: ignore[misc]
        return target
    function = target

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # what ``function`` takes and returns
        __tracebackhide__ = True  # what IPython and pytest go by
        try:
            return function(*args, **kwargs)
        except AxonlogError as error:
            raise without_frames(error) from None

    return call  # type: ignore[return-value]  # the same function as its caller sees it


def without_frames(error: AxonlogError) -> AxonlogError:
    """``error`` without its frames; what it was raised from is only in ``__context__`` then."""
    cause = error.__cause__
    if cause is not None:
        error.__cause__, error.__context__ = None, cause
    return error.with_traceback(None)
