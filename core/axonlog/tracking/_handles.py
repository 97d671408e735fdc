"""Handles on a run: what a pickle of it holds, and what becomes of that where it is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from axonlog.context import Context

if TYPE_CHECKING:
    from ._run import Run

# The runs of this process, by directory.
_RUNS: WeakValueDictionary[str, Run] = WeakValueDictionary()

_GUESTS: dict[str, Run] = {}


def enter_run(run: Run) -> None:
    """Let the handles on ``run`` find it."""
    _RUNS[run.context.artifacts_path.value or ""] = run


def join_run(kind: type[Run], context: Context) -> Run:
    """The run that a handle stands for: this process's own, or a guest's part in another one's."""
    path = context.artifacts_path.value or ""
    run = _RUNS.get(path)
    if run is None or run.process != os.getpid():
        # A worker may read a handle with each task, and let go of it after each.
        run = _GUESTS[path] = kind._join(context)
    return run
