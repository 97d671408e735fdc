"""Handles on a run: what a pickle of it holds, and what becomes of that where it is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
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


def handle_of(context: Context) -> dict[str, Any]:
    """``context`` as it may be written to disk: pickles are, so the token is left out."""
    token = context.token.model_copy(update={"value": None, "shadowed": ()})
    connection = context.connection.model_copy(update={"token": None})
    bare = context.model_copy(update={"token": token, "connection": connection})
    # As plain data: classes made by pydantic for `Setting[str]` cannot be pickled.
    return bare.model_dump()


def join_run(kind: type[Run], handle: dict[str, Any], strict: bool) -> Run:
    """The run that a handle stands for: this process's own, or a guest's part in another one's."""
    context = Context.model_validate(handle)
    path = context.artifacts_path.value or ""
    run = _RUNS.get(path)
    if run is None or run.process != os.getpid():
        # A worker may read a handle with each task, and let go of it after each.
        run = _GUESTS[path] = kind._join(context, strict=strict)
    return run
