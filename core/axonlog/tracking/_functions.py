"""The functions of the module: each speaks to the current run."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from axonlog.context import Context, RunOptions, takes_run_options
from axonlog.errors import AxonlogError

from ._run import Run, merge_metrics
from ._tracebacks import short_traceback, without_frames

if TYPE_CHECKING:
    from typing_extensions import Unpack

_log = logging.getLogger("axonlog")

_P = ParamSpec("_P")
_R = TypeVar("_R")

_current: Run | None = None


def current_run() -> Run | None:
    """The run that the functions of this module speak to, if there is one."""
    return _current


@short_traceback
@takes_run_options()
def init(
    *in_order: Any,  # the options by position, for type checkers; see `takes_run_options`
    context: Context | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """Start or continue a run and make it the current one.

    With a ``context`` that has been resolved already the options count no more.

    Raises:
        ContextError: It is not clear where the run belongs.
        AuthenticationError: Credentials are missing or refused.
        ServerError: The server refuses the run.
    """
    global _current
    outer = _current
    _current = run = Run(context=context, **options)
    if outer is not None and outer.is_recording:
        run._restore_outer_run = functools.partial(_return_to, outer, run)
        _warn_of_two(outer, run)
    return run


def _return_to(outer: Run, inner: Run) -> None:
    global _current
    if _current is inner and not outer.is_ended:
        _current = outer


def _warn_of_two(outer: Run, run: Run) -> None:
    # A `with` block ends its run by itself, and a settled run waits for nobody.
    if not outer._is_in_block and not outer.is_settled:
        _log.warning(
            "run %s goes on beside run %s, which is the current one now: end it by its own end(), "
            "or it ends with the process",
            outer.run_uuid,
            run.run_uuid,
        )


def get_or_create_run(tracking_run: Run | None = None) -> Run:
    """``tracking_run`` if given, else the current run if it goes on, else a new one."""
    if tracking_run is None and _current is not None and not _current.is_ended:
        return _current
    return tracking_run or init()


def of_current_run(method: Callable[Concatenate[Run, _P], _R]) -> Callable[_P, _R]:
    """``method`` as a function that speaks to the run that is current when it is called."""

    @functools.wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if _current is None:
            raise AxonlogError(f"{method.__name__}() before init(): call axonlog.init() first")
        return method(_current, *args, **kwargs)

    signature = inspect.signature(method)
    without_self = list(signature.parameters.values())[1:]
    call.__signature__ = signature.replace(parameters=without_self)  # type: ignore[attr-defined]  # what inspect reads
    del call.__wrapped__  # or inspect would look behind it
    return call


# These two stand in the training loop: they go to the journal by the shortest way.


def log_metric(name: str, value: Any, step: int | None = None, timestamp: Any = None) -> None:
    if _current is None:
        raise AxonlogError("log_metric() before init(): call axonlog.init() first")
    try:
        _current._append_one(name, value, step, timestamp)
    except AxonlogError as error:
        raise without_frames(error) from None


def log_metrics(
    metrics: Mapping[str, Any] | int | None = None,
    /,
    timestamp: Any = None,
    *,
    step: int | None = None,
    **values: Any,
) -> None:
    if _current is None:
        raise AxonlogError("log_metrics() before init(): call axonlog.init() first")
    if metrics is not None:
        values, step = merge_metrics(metrics, step, values)
    try:
        _current._append(values, step, timestamp)
    except AxonlogError as error:
        raise without_frames(error) from None


log_metric.__doc__ = Run.log_metric.__doc__
log_metrics.__doc__ = Run.log_metrics.__doc__
