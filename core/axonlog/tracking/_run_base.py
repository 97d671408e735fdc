"""What the parts of a run's interface share: its context and its recorder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from axonlog.context import Context
from axonlog.errors import AxonlogError

from ._recorder import Recorder
from ._tracebacks import without_frames

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Part = TypeVar("_Part", bound="RunBase")


class RunBase:
    """A run, as each part of its interface sees it.

    Attributes:
        context: The resolved settings.
    """

    context: Context
    _recorder: Recorder | None  # None in a no-op run

    @property
    def _open(self) -> Recorder:
        if self._recorder is None:
            raise AxonlogError("this run records nothing (no_op)")
        return self._recorder


def recording(
    method: Callable[Concatenate[_Part, _P], _R],
) -> Callable[Concatenate[_Part, _P], _R | None]:
    """For what enters something into a run: nothing in a no-op run, an error after its end."""

    @functools.wraps(method)
    def call(self: _Part, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        __tracebackhide__ = True
        try:
            if self._recorder is None or not self._recorder.accepts_records():
                return None
            return method(self, *args, **kwargs)
        except AxonlogError as error:
            raise without_frames(error) from None

    return call
