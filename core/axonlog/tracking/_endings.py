"""How a process ends, and therefore how its runs did.

One registry for the process. Its hooks are chained, never replaced: what was installed before
still runs, and what is installed later may call ours.

- An uncaught exception: ``failed``. Ctrl-C: ``stopped``.
- SIGTERM: ``stopped``; then the signal takes its course, so that the exit status tells of it.
  Where a handler stands before ours (Lightning installs one that ends the loop at the next
  batch) the process is that handler's to end, and ours only takes note.
- ``sys.exit(code)``: ``succeeded`` for 0 and None, else ``failed``. The interpreter tells no hook
  of the code, so ``sys.exit`` itself is wrapped. ``raise SystemExit(code)`` goes around that;
  a run used as a context manager sees it all the same.
- The end of the script: ``succeeded``.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Literal, NoReturn, Protocol

FinalStatus = Literal["succeeded", "failed", "stopped"]


@dataclass(frozen=True)
class Ending:
    """How it ended and why; ``reason`` is a short word, ``message`` a sentence."""

    status: FinalStatus
    reason: str | None = None
    message: str | None = None


class Endable(Protocol):
    """What the registry needs of a run."""

    @property
    def activity(self) -> int:
        """A number that grows with each record."""

    def end_as(self, ending: Ending) -> object:
        """End, unless it has ended already."""


def ending_of(error: BaseException) -> Ending:
    """What an exception that ends a run says about it."""
    if isinstance(error, KeyboardInterrupt):
        return Ending("stopped", "KeyboardInterrupt", "interrupted by the user")
    if isinstance(error, SystemExit):
        return _ending_of_exit(error.code)
    name = type(error).__name__
    return Ending("failed", name, f"{name}: {error}")


def _ending_of_exit(code: object) -> Ending:
    if code is None or code == 0:
        return Ending("succeeded")
    return Ending("failed", "SystemExit", f"exit code {code if isinstance(code, int) else 1}")


class Endings:
    """Ends the registered runs when the process ends."""

    def __init__(self) -> None:
        self._runs: list[Endable] = []
        self._process = os.getpid()
        self._is_installed = False
        self._noted: Ending | None = None
        self._exit: tuple[Ending, int] | None = None
        self._previous_handler: Callable[[int, FrameType | None], object] | None = None

    def register(self, run: Endable) -> None:
        """Have ``run`` ended with the process."""
        if self._process != os.getpid():  # a forked child starts with its own
            self._process, self._runs = os.getpid(), []
        self._runs.append(run)
        if not self._is_installed:
            self._is_installed = True
            self._install()

    def unregister(self, run: Endable) -> None:
        """Forget ``run``: it has ended."""
        if run in self._runs:
            self._runs.remove(run)

    def _install(self) -> None:
        atexit.register(self._at_exit)
        self._chain_excepthook()
        self._wrap_exit()
        if threading.current_thread() is threading.main_thread():
            self._chain_sigterm()

    def _at_exit(self) -> None:
        ending = self._noted
        if ending is None and self._exit is not None:
            at_exit, activity = self._exit
            # Records after the call: somebody caught the SystemExit, and it says nothing.
            ending = at_exit if activity == self._activity() else None
        self._end_all(ending or Ending("succeeded"))

    def _end_all(self, ending: Ending) -> None:
        if self._process == os.getpid():
            for run in list(self._runs):
                run.end_as(ending)

    def _activity(self) -> int:
        return sum(run.activity for run in self._runs)

    def _chain_excepthook(self) -> None:
        previous = sys.excepthook

        def note_and_go_on(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            self._noted = ending_of(error)
            previous(kind, error, trace)

        sys.excepthook = note_and_go_on

    def _wrap_exit(self) -> None:
        previous = sys.exit

        def note_and_exit(code: object = None, /) -> NoReturn:
            if threading.current_thread() is threading.main_thread():
                self._exit = (_ending_of_exit(code), self._activity())
            previous(code)  # type: ignore[arg-type]  # any object may be given, typeshed says fewer

        sys.exit = note_and_exit

    def _chain_sigterm(self) -> None:
        previous = signal.getsignal(signal.SIGTERM)
        if previous is None or previous == signal.SIG_IGN:
            return  # set from outside Python, or the user wants to outlive it
        self._previous_handler = previous if callable(previous) else None
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        ending = Ending("stopped", "SIGTERM", "stopped by SIGTERM")
        self._noted = ending
        if self._previous_handler is not None:
            self._previous_handler(number, frame)
        elif signal.getsignal(signal.SIGTERM) == self._on_sigterm:
            self._end_all(ending)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)


ENDINGS = Endings()
