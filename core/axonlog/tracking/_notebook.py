"""How a cell of a notebook ended, and what that says about the runs.

IPython shows an exception and lives on, so that neither ``sys.excepthook`` nor the end of the
process tells of it. It has events around each cell, to which anybody may listen.

- A cell that recorded something and was interrupted leaves its runs ``stopped``; one that raised
  leaves them ``failed``.
- A later cell that records something sets them running again: the user went on.
- A cell that recorded nothing says nothing about a run, however it ended: a typing error in a plot
  after the training is not a failure of the training.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary


class _Recording(Protocol):
    @property
    def activity(self) -> int: ...


_Run = TypeVar("_Run", bound=_Recording)


class NotebookCells(Generic[_Run]):
    """Watches the cells of this process's notebook, if it is one.

    Args:
        open_runs: The runs that have not ended.
        on_error: Called for each run that a cell recorded into before it failed.
    """

    def __init__(
        self,
        open_runs: Callable[[], Iterable[_Run]],
        on_error: Callable[[_Run, BaseException], object],
    ) -> None:
        self._open_runs = open_runs
        self._on_error = on_error
        self._before: WeakKeyDictionary[_Run, int] = WeakKeyDictionary()
        self._shell: object | None = None

    def watch(self) -> None:
        """Listen to the notebook; does nothing the second time, and outside of one."""
        module = sys.modules.get("IPython")
        shell: Any = module.get_ipython() if module is not None else None
        if shell is not None and shell is not self._shell:
            self._shell = shell
            shell.events.register("pre_run_cell", self._before_cell)
            shell.events.register("post_run_cell", self._after_cell)

    def _before_cell(self, _: object) -> None:
        for run in self._open_runs():
            self._before[run] = run.activity

    def _after_cell(self, result: Any) -> None:
        error = result.error_in_exec or result.error_before_exec
        if error is None:
            return
        for run in self._open_runs():
            # A run that was started in this very cell has not been seen before it.
            if run.activity != self._before.get(run):
                self._on_error(run, error)
