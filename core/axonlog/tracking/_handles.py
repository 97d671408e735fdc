"""Handles on a run: what a pickle of it holds, and what becomes of that where it is read."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary, finalize

from axonlog.context import Context

if TYPE_CHECKING:
    from ._run import Run

# The runs of this process, by directory.
_RUNS: WeakValueDictionary[str, Run] = WeakValueDictionary()

# A worker may read a handle with each task, and let go of it after each: the newest guests are
# kept for the next task. One that nobody holds any more closes its journal and ends its thread.
_GUESTS: OrderedDict[str, Run] = OrderedDict()
_MAX_GUESTS = 8


def enter_run(run: Run) -> None:
    """Let the handles on ``run`` find it."""
    _RUNS[run.context.artifacts_path.value or ""] = run


def join_run(kind: type[Run], context: Context) -> Run:
    """The run that a handle stands for: this process's own, or a guest's part in another one's."""
    path = context.artifacts_path.value or ""
    run = _RUNS.get(path)
    is_left = path in _GUESTS and _GUESTS[path].is_ended  # a guest's end is its own, not the run's
    if run is None or run.process != os.getpid() or is_left:
        run = kind._join(context)
        # At the exit of the process its runs are ended otherwise.
        finalize(run, run._end_unheld()).atexit = False
        _GUESTS[path] = run
    if path in _GUESTS:
        _GUESTS.move_to_end(path)
    while len(_GUESTS) > _MAX_GUESTS:
        _GUESTS.popitem(last=False)
    return run
