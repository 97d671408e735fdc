"""How the main script was left: by its end, or by which exception.

Python tells no hook with which exit code it ends, and ``SystemExit`` never reaches
``sys.excepthook``. What is known all the same:

- From Python 3.12 on ``sys.monitoring`` reports each exception that leaves a frame. The one that
  leaves the outermost frame of the main thread is the one that ends the process.
- Before that (or where all tool ids are taken) ``sys.exit`` and ``exit`` are wrapped. The exception
  that they raise carries a ``_ExitState``. The interpreter drops an uncaught exception in C code,
  while no Python frame is left; somebody who caught it drops it from Python code. What the exit
  means is therefore certain, however many ``finally``, ``except ...: raise`` and ``runpy`` are
  between.
- The outermost frame itself, once it is done, shows whether its last instruction was a return.

What remains before Python 3.12: ``raise SystemExit(code)`` goes around ``sys.exit``. That the
script was left is known, the code is not, and the answer is ``UNKNOWN`` rather than a guess. And an
exit that was caught, is still referenced when the process ends, and is followed by such a
``raise`` deep inside another call, counts as the one that ended the script.

At a prompt each statement is a script of its own: nothing here is asked then.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar

_T = TypeVar("_T")

Returned = Literal["returned"]
Unknown = Literal["unknown"]
RETURNED: Final = "returned"
UNKNOWN: Final = "unknown"

# Those that PEP 669 leaves to anybody; the others belong to debuggers, coverage and profilers.
_FREE_TOOL_IDS = (4, 3)


class ScriptExit(Generic[_T]):
    """Watches how the main script is left.

    Args:
        describe: What to keep of an exception that leaves the script. The exception itself is
            not kept: it would keep all frames alive that it came through.
    """

    def __init__(self, describe: Callable[[BaseException], _T]) -> None:
        self._describe = describe
        self._script: FrameType | None = None
        self._left_by: _T | None = None
        self._last_exit: _ExitState[_T] | None = None
        self._is_installed = False

    def watch(self) -> None:
        """Watch the script that the main thread runs at this moment."""
        self._script, self._left_by, self._last_exit = _outermost_frame(), None, None
        if not self._is_installed:
            self._is_installed = True
            if not self._monitor():
                self._wrap_exits()

    def outcome(self) -> _T | Returned | Unknown:
        """How it was left; to be asked in an exit handler, when no code of the script runs."""
        script = self._script
        if self._left_by is not None:
            return self._left_by
        if script is None or _outermost_frame() is script:
            return RETURNED  # or it has not been left at all: somebody ran the exit handlers early
        operation, argument = _last_operation(script)
        if operation.startswith("RETURN_"):
            return RETURNED
        trace = getattr(sys, "last_traceback", None)
        if trace is not None and trace.tb_frame is script and sys.last_value is not None:
            # Reported as uncaught, but to somebody else's `sys.excepthook`.
            return self._describe(sys.last_value)
        state = self._last_exit
        is_new_error = operation == "RAISE_VARARGS" and argument > 0
        if state is None or state.was_caught or (is_new_error and state.is_alive):
            return UNKNOWN
        return state.meaning

    # Python 3.12 and later

    def _monitor(self) -> bool:
        monitoring: Any = getattr(sys, "monitoring", None)
        if monitoring is None:
            return False
        for tool_id in _FREE_TOOL_IDS:
            try:
                monitoring.use_tool_id(tool_id, "axonlog")
            except ValueError:
                continue
            unwinding = monitoring.events.PY_UNWIND
            monitoring.register_callback(tool_id, unwinding, self._on_unwind)
            monitoring.set_events(tool_id, unwinding)
            return True
        return False

    def _on_unwind(self, code: CodeType, _: int, error: BaseException) -> None:
        script = self._script
        if script is not None and code is script.f_code and sys._getframe(1) is script:
            self._left_by = self._describe(error)

    # Before

    def _wrap_exits(self) -> None:
        previous = sys.exit

        def exit_and_follow(code: object = None, /) -> NoReturn:
            try:
                previous(code)  # type: ignore[arg-type]  # typeshed says fewer than are taken
            except SystemExit as error:
                self._follow(error)
                raise

        sys.exit = exit_and_follow
        quitter = type(getattr(builtins, "exit", None))
        if quitter.__name__ == "Quitter":  # of the `site` module, which -S leaves out
            call = quitter.__call__

            def quit_and_follow(quitting: object, code: object = None) -> object:
                try:
                    return call(quitting, code)
                except SystemExit as error:
                    self._follow(error)
                    raise

            quitter.__call__ = quit_and_follow  # type: ignore[method-assign]  # it is chained

    def _follow(self, error: SystemExit) -> None:
        if threading.current_thread() is threading.main_thread():
            state = self._last_exit = _ExitState(self._describe(error))
            error.__dict__["_axonlog_exit_state"] = _DiesWithError(state)


class _ExitState(Generic[_T]):
    """What became of an exception that ``sys.exit`` raised."""

    def __init__(self, meaning: _T) -> None:
        self.meaning = meaning
        self.is_alive = True
        self.was_caught = False


class _DiesWithError:
    """Held by the exception alone: is finalized when that is dropped."""

    def __init__(self, state: _ExitState[Any]) -> None:
        self._fate = state

    def __del__(self) -> None:
        self._fate.is_alive = False
        try:
            sys._getframe(1)
        except ValueError:
            return  # dropped by the interpreter, after the last frame was left
        self._fate.was_caught = True

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _nothing, ()  # a copy of the exception in another process means nothing here


def _nothing() -> None:
    """What a pickled exception holds instead of the finalizer."""


def _outermost_frame() -> FrameType | None:
    main = threading.main_thread()
    frame: FrameType | None
    if threading.current_thread() is main:
        frame = sys._getframe()
    else:
        frame = sys._current_frames().get(main.ident or 0)
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _last_operation(frame: FrameType) -> tuple[str, int]:
    """The instruction at which ``frame`` was left, and its argument."""
    from opcode import opname

    code, index = frame.f_code.co_code, frame.f_lasti
    return opname[code[index]], code[index + 1]
