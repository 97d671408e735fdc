"""The functions of the module: each speaks to the current run."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from axonlog.context import Context, absent_unless_given
from axonlog.errors import AxonlogError

from ._run import Run, merge_metrics
from ._tracebacks import short_traceback, without_frames

if TYPE_CHECKING:
    from axonlog.client import PolyaxonClient, RunClient

_log = logging.getLogger("axonlog")

_P = ParamSpec("_P")
_R = TypeVar("_R")

_current: Run | None = None


def current_run() -> Run | None:
    """The run that the functions of this module speak to, if there is one."""
    return _current


@short_traceback
@absent_unless_given
def init(
    owner: str | None = None,
    project: str | None = None,
    run_uuid: str | None = None,
    client: PolyaxonClient | RunClient | None = None,
    track_code: bool = True,
    track_env: bool = True,
    track_logs: bool = True,
    refresh_data: bool = False,
    artifacts_path: str | None = None,
    collect_artifacts: bool | str | None = None,
    collect_resources: bool | str | None = None,
    is_offline: bool | None = None,
    is_new: bool | None = None,
    name: str | None = None,
    description: str | None = None,
    tags: str | Sequence[str] | None = None,
    *,
    log_context: bool = False,
    config: Any = None,
    strict: bool = False,
    context: Context | None = None,
) -> Run:
    """Start or continue a run and make it the current one; see ``Run`` for the arguments.

    Raises:
        ContextError: It is not clear where the run belongs.
        AuthenticationError: Credentials are missing or refused.
        ServerError: The server refuses the run.
    """
    global _current
    outer = _current
    _current = run = Run(
        owner,
        project,
        run_uuid,
        client,
        track_code,
        track_env,
        track_logs,
        refresh_data,
        artifacts_path,
        collect_artifacts,
        collect_resources,
        is_offline,
        is_new,
        name,
        description,
        tags,
        log_context=log_context,
        config=config,
        strict=strict,
        context=context,
    )
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


def _of_current_run(method: Callable[Concatenate[Run, _P], _R]) -> Callable[_P, _R]:
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

end = _of_current_run(Run.end)
get_artifacts_path = _of_current_run(Run.get_artifacts_path)
get_outputs_path = _of_current_run(Run.get_outputs_path)
log_artifact = _of_current_run(Run.log_artifact)
log_code_ref = _of_current_run(Run.log_code_ref)
log_env = _of_current_run(Run.log_env)
log_failed = _of_current_run(Run.log_failed)
log_file_ref = _of_current_run(Run.log_file_ref)
log_inputs = _of_current_run(Run.log_inputs)
log_meta = _of_current_run(Run.log_meta)
log_model = _of_current_run(Run.log_model)
log_outputs = _of_current_run(Run.log_outputs)
log_progress = _of_current_run(Run.log_progress)
log_status = _of_current_run(Run.log_status)
log_stopped = _of_current_run(Run.log_stopped)
log_succeeded = _of_current_run(Run.log_succeeded)
log_tags = _of_current_run(Run.log_tags)
set_description = _of_current_run(Run.set_description)
set_name = _of_current_run(Run.set_name)
set_readme = _of_current_run(Run.set_readme)
