"""How a process ends, and therefore how its runs did.

One registry for the process. Its hooks are chained, never replaced: what was installed before
still runs, and what is installed later may call ours.

- An uncaught exception: ``failed``. Ctrl-C: ``stopped``.
- SIGTERM: ``stopped``; then the signal takes its course, so that the exit status tells of it.
  Where a handler stands before ours (Lightning installs one that ends the loop at the next
  batch) the process is that handler's to end, and ours only takes note.
- ``sys.exit(code)``, ``raise SystemExit(code)``: ``succeeded`` for 0 and None, else ``failed``.
  ``_script_exit`` says how the code is found out. Before Python 3.12 ``raise SystemExit`` hides it:
  the run is ``stopped`` and its message says so, unless it is settled. A run used as a context
  manager sees the code on every Python.
- The end of the script: ``succeeded``. A child of ``multiprocessing`` leaves by ``os._exit``, which
  runs none of these hooks: there its own finalizer ends the runs that it started.
- An exception in another thread ends that thread only, and so does ``sys.exit`` there.
- At a prompt nothing ends with an exception. A statement that Ctrl-C interrupts, and a script under
  ``python -i`` that fails, settle the runs: the next record sets them running again. What a cell of
  a notebook does is in ``_notebook``.
- ``os._exit`` and SIGKILL leave no trace: whoever finds the run next enters ``ProcessLost``.

What ended the process ended what it was doing: the run that was started last, and those that are
not settled. A settled run before that one keeps its ending.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Literal, Protocol

from ._notebook import NotebookCells
from ._script_exit import RETURNED, UNKNOWN, ScriptExit

FinalStatus = Literal["succeeded", "failed", "stopped"]


@dataclass(frozen=True)
class RunOutcome:
    """How it ended and why; ``reason`` is a short word, ``message`` a sentence."""

    status: FinalStatus
    reason: str | None = None
    message: str | None = None


class EndableRun(Protocol):
    """What the registry needs of a run."""

    @property
    def activity(self) -> int:
        """A number that grows with each record."""

    @property
    def is_settled(self) -> bool:
        """Whether it has an ending and nothing was recorded since."""

    @property
    def end_timeout_s(self) -> float:
        """How long it may take to end."""

    def mark_finished(self, outcome: RunOutcome) -> None:
        """Enter an ending that the next record takes back."""

    def end_as(self, outcome: RunOutcome, *, wait_s: float | None = None) -> object:
        """End, unless it has ended already."""


# What is entered when a script was left by an exception that nobody knows.
_UNKNOWN_EXIT = RunOutcome(
    "stopped",
    "SystemExit",
    "the script raised SystemExit, and this version of Python does not say with which exit code: "
    "call sys.exit(code), or use `with axonlog.init(...)`",
)


def outcome_of(error: BaseException) -> RunOutcome:
    """What an exception that ends a run says about it."""
    if isinstance(error, KeyboardInterrupt):
        return RunOutcome("stopped", "KeyboardInterrupt", "interrupted by the user")
    if isinstance(error, SystemExit):
        return _outcome_of_exit(error.code)
    name = type(error).__name__
    try:
        return RunOutcome("failed", name, f"{name}: {error}")
    except Exception:  # noqa: BLE001  # the exception of a user may have any __str__
        return RunOutcome("failed", name, name)


def _outcome_of_exit(code: object) -> RunOutcome:
    if code is None or code == 0:
        return RunOutcome("succeeded")
    return RunOutcome("failed", "SystemExit", f"exit code {code if isinstance(code, int) else 1}")


class ExitHooks:
    """Ends the registered runs when the process ends."""

    def __init__(self) -> None:
        self._runs: list[EndableRun] = []
        self._process = os.getpid()
        self._is_installed = False
        self._process_outcome: RunOutcome | None = None
        self._script = ScriptExit(outcome_of)
        self._cells: NotebookCells[EndableRun] = NotebookCells(self._open_runs, _mark_failed)
        self._is_interrupted = False
        self._worker: FrameType | None = None
        self._has_sigterm = False
        self._previous_handler: Callable[[int, FrameType | None], object] | None = None

    def register(self, run: EndableRun) -> None:
        """Have ``run`` ended with the process."""
        if self._process != os.getpid():  # a forked child, with the hooks that it inherited
            self._process, self._runs = os.getpid(), []
            self._process_outcome = None
            self._watch_worker()
            self._script.watch()
        self._runs.append(run)
        self._cells.watch()
        if not self._is_installed:
            self._is_installed = True
            self._watch_worker()
            atexit.register(self._at_exit)
            self._chain_excepthook()
            self._script.watch()
        if not self._has_sigterm and threading.current_thread() is threading.main_thread():
            self._has_sigterm = True
            self._chain_sigterm()

    def unregister(self, run: EndableRun) -> None:
        """Forget ``run``: it has ended."""
        if run in self._runs:
            self._runs.remove(run)

    def mark_all_finished(self, outcome: RunOutcome) -> None:
        """Enter ``ending`` into the runs that have none; the next record takes it back."""
        for run in self._open_runs():
            _mark_finished(run, outcome)

    def _open_runs(self) -> list[EndableRun]:
        return list(self._runs) if self._process == os.getpid() else []

    def _watch_worker(self) -> None:
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize

            # Before the finalizers of queues and pools, which have priorities of up to 15.
            Finalize(None, self._at_worker_exit, exitpriority=100)
            frame: FrameType | None = sys._getframe()
            while frame is not None and frame.f_code.co_name != "_bootstrap":
                frame = frame.f_back
            self._worker = frame

    def _at_worker_exit(self) -> None:
        # Up to Python 3.12 finalizers run while the worker's exception is still on the way; since
        # then all that is left of it is the exit code, in the frame that called the worker.
        error = sys.exc_info()[1]
        if error is not None:
            self._end_all(outcome_of(error))
        else:
            self._at_exit()

    def _at_exit(self) -> None:
        outcome = self._process_outcome
        if outcome is None and self._worker is not None:
            outcome = _outcome_of_exit(self._worker.f_locals.get("exitcode"))
        if outcome is None and not _is_at_prompt():
            left_by = self._script.outcome()
            if left_by == UNKNOWN:
                outcome = _UNKNOWN_EXIT
            elif left_by != RETURNED:
                outcome = left_by
        self._end_all(outcome or RunOutcome("succeeded"))
        if self._is_interrupted:
            _restore_interruption()

    def _end_all(self, outcome: RunOutcome) -> None:
        runs = self._open_runs()
        deadline = time.monotonic() + max((run.end_timeout_s for run in runs), default=0.0)
        for run in runs:
            # Of a script whose exit code is not known, a training that came to its end is not part.
            was_over_before = run.is_settled and (run is not runs[-1] or outcome is _UNKNOWN_EXIT)
            left_s = max(0.0, deadline - time.monotonic())
            run.end_as(RunOutcome("succeeded") if was_over_before else outcome, wait_s=left_s)

    def _chain_excepthook(self) -> None:
        previous = sys.excepthook

        def record_and_chain(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            if not _is_at_prompt():
                self._process_outcome = outcome_of(error)
                self._is_interrupted = kind is KeyboardInterrupt
            elif not hasattr(sys, "ps1") or (kind is KeyboardInterrupt and trace is not None):
                # The script before the prompt failed, or a statement was interrupted. Without a
                # traceback it was only the line being typed.
                self.mark_all_finished(outcome_of(error))
            previous(kind, error, trace)

        sys.excepthook = record_and_chain

    def _chain_sigterm(self) -> None:
        previous = signal.getsignal(signal.SIGTERM)
        if previous is None or previous == signal.SIG_IGN:
            return  # set from outside Python, or the user wants to outlive it
        self._previous_handler = previous if callable(previous) else None
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        outcome = RunOutcome("stopped", "SIGTERM", "stopped by SIGTERM")
        self._process_outcome = outcome
        if self._previous_handler is not None:
            self._previous_handler(number, frame)
            # It came back: the signal was a message, not the end.
            self._process_outcome = None
        elif signal.getsignal(signal.SIGTERM) == self._on_sigterm:
            self._end_all(outcome)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)


def _restore_interruption() -> None:
    """Let the process die of its Ctrl-C, as it would without us.

    The interpreter notes that a KeyboardInterrupt was not caught, and forgets it with whatever
    source text is run afterwards, in any thread: each new dataclass runs some, so each import may.
    Then a shell would see the exit code 1, and go on with its loop over trainings.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")  # noqa: S102  # the one way to have it noted again


def _mark_finished(run: EndableRun, outcome: RunOutcome) -> None:
    if not run.is_settled and outcome.status != "succeeded":
        run.mark_finished(outcome)


def _mark_failed(run: EndableRun, error: BaseException) -> None:
    _mark_finished(run, outcome_of(error))


def _is_at_prompt() -> bool:
    """Whether somebody types here, or will when the script is over (``python -i``)."""
    return hasattr(sys, "ps1") or bool(sys.flags.inspect)


EXIT_HOOKS = ExitHooks()
