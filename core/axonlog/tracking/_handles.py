"""Handles on runs: what a pickle of one stands for in the process that reads it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar
from weakref import WeakValueDictionary, finalize

from axonlog.context import Context

# A worker may read a handle with each task, and let go of it after each: the newest guests are
# kept for the next task. One that nobody holds any more closes its journal and ends its thread.
_MAX_GUESTS = 8


class _Handled(Protocol):
    """What a handle needs to know of a run."""

    context: Context

    @property
    def process(self) -> int | None: ...

    @property
    def is_ended(self) -> bool: ...

    def _end_unheld(self) -> Callable[[], object]: ...


_RunT = TypeVar("_RunT", bound=_Handled)


class Handles(Generic[_RunT]):
    """The runs of this process, by directory, for the handles on them.

    Args:
        join: Makes this process a guest in the run of another one, whose context it is given.
    """

    def __init__(self, join: Callable[[Context], _RunT]) -> None:
        self._join = join
        self._runs: WeakValueDictionary[str, _RunT] = WeakValueDictionary()
        self._guests: OrderedDict[str, _RunT] = OrderedDict()

    def add(self, run: _RunT) -> None:
        """Let the handles on ``run`` find it."""
        self._runs[run.context.artifacts_path.value or ""] = run

    def find(self, path: str) -> _RunT | None:
        """The run of this process that has the directory ``path``."""
        return self._runs.get(path)

    def open(self, context: Context) -> _RunT:
        """The run a handle stands for: this process's own, or a guest's part in another one's."""
        path = context.artifacts_path.value or ""
        run, guests = self.find(path), self._guests
        is_left = (
            path in guests and guests[path].is_ended
        )  # a guest's end is its own, not the run's
        if run is None or run.process != os.getpid() or is_left:
            run = self._join(context)
            # At the exit of the process its runs are ended otherwise.
            finalize(run, run._end_unheld()).atexit = False
            guests[path] = run
        if path in guests:
            guests.move_to_end(path)
        while len(guests) > _MAX_GUESTS:
            guests.popitem(last=False)
        return run
