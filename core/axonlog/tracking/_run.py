"""A run being tracked: what a user calls."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from axonlog.context import Context, RunOptions, not_built_yet, resolve, takes_run_options
from axonlog.errors import AxonlogError

from . import _logging
from ._arguments import check_seconds, check_text
from ._exit_hooks import FinalStatus, RunOutcome, outcome_of
from ._handles import Handles
from ._last_values import LastValues
from ._recorder import Recorder
from ._run_lineage import RunLineage
from ._run_media import RunMedia
from ._run_records import RunRecords
from ._tracebacks import short_traceback, without_frames

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from axonlog.delivery import DeliveryReport

_log = logging.getLogger("axonlog")


def merge_metrics(
    metrics: Mapping[str, Any] | int, step: Any, values: dict[str, Any]
) -> tuple[Any, Any]:
    """The numbers and the step of a ``log_metrics`` call with an argument by position."""
    if isinstance(metrics, Mapping):
        return ({**metrics, **values} if values else metrics), step
    if step is not None:
        raise TypeError("log_metrics() got two steps, one by position and one by name")
    return values, metrics


def _drop(*_: Any) -> None:
    """For a run that records nothing."""


@short_traceback
@takes_run_options(last=["auto_create"])
class Run(RunRecords, RunLineage, RunMedia):
    """A run being tracked.

    Constructing one resolves the context, asks the server once, and starts recording. Usually
    ``axonlog.init`` does it, which also makes the run the one that ``axonlog.log_metrics`` and
    its like speak to. As a context manager it ends with its block::

        with axonlog.Run(project="acme/digits") as run:
            run.log_metrics(loss=0.3, step=1)

    After that no call raises for the network or the disk; a wrong argument raises at once.
    Any thread may log. In a forked child the run is silent.

    Args:
        auto_create: False: a new run is not created on the server; it is kept locally, and
            `axonlog sync` creates it.
        context: The context, if it has been resolved already; the options count no more then.

    Raises:
        ContextError: It is not clear where the run belongs.
        AuthenticationError: Credentials are missing or refused.
        ServerError: The server refuses the run.
    """

    def __init__(
        self,
        *in_order: Any,  # the options by position, for type checkers; see `takes_run_options`
        auto_create: bool = True,
        context: Context | None = None,
        **options: Unpack[RunOptions],
    ) -> None:
        self.context = context or resolve(**options)
        if not auto_create and self.context.is_new.value and not self.context.no_op.value:
            self.context = _without_delivery(self.context)
        _logging.install_handler()
        for sentence in (*self.context.warnings, *not_built_yet(self.context)):
            _log.warning("%s", sentence)
        if self.context.log_context.value:
            for sentence in self.context.notices:
                _log.info("%s", sentence)
        recorder = None if self.context.no_op.value else Recorder(self.context)
        if recorder is not None:
            self.context = recorder.context  # the run may have turned out to be local
        self._bind(recorder)
        if self._recorder is not None:
            if self.context.track_env.value:
                self._recorder.run_in_background(self._record_environment)
            if self.context.track_code.value and self.context.is_new.value:
                self._recorder.run_in_background(self._record_code)

    # What it is

    @property
    def run_uuid(self) -> str | None:
        """The run's uuid, 32 hexadecimal digits."""
        return self.context.run_uuid.value

    @property
    def url(self) -> str | None:
        """Where Polyaxon's UI shows the run; None when it is local."""
        return _logging.url_of(self.context)

    @property
    def path(self) -> Path | None:
        """The run's directory; None in a no-op run."""
        path = self.context.artifacts_path.value
        return None if path is None else Path(path)

    @property
    def owner(self) -> str | None:
        """The organization or user that the run belongs to."""
        return self.context.owner.value

    @property
    def project(self) -> str | None:
        """The project that the run belongs to."""
        return self.context.project.value

    @property
    def name(self) -> str | None:
        """The name to show, as last set."""
        return None if self._recorder is None else self._recorder.store.document.name

    @property
    def status(self) -> str | None:
        """The newest status."""
        return None if self._recorder is None else self._recorder.store.document.status

    @property
    def process(self) -> int | None:
        """The process that records it; None in a no-op run."""
        return None if self._recorder is None else self._recorder.process

    @property
    def is_ended(self) -> bool:
        """Whether the run has ended, by whatever way."""
        return self._recorder is not None and self._recorder.is_ended

    @property
    def is_settled(self) -> bool:
        """Whether the run has an ending for now, and nothing was recorded since."""
        return self._recorder is not None and self._recorder.is_settled

    @property
    def is_recording(self) -> bool:
        """Whether the run goes on, in this process."""
        return self._recorder is not None and self.process == os.getpid() and not self.is_ended

    @property
    def delivery(self) -> DeliveryReport | None:
        """What the server has and what it has not, at this moment; None where none is told."""
        return None if self._recorder is None else self._recorder.delivery

    def __repr__(self) -> str:
        if self._recorder is None:
            return "<Run no-op>"
        named = f"{self.name} " if self.name else ""
        uuid = (self.run_uuid or "")[:8]
        return f"<Run {named}{uuid} in {self.owner}/{self.project}, {self.status}>"

    def _repr_html_(self) -> str:
        from ._notebook_table import run_table

        context = self.context
        if self._recorder is None:
            return run_table([("run", "no-op")], {})
        facts = [
            ("run", self.name),
            ("uuid", self.run_uuid),
            ("status", self.status),
            ("project", f"{self.owner}/{self.project}"),
            ("server", self.url or "none, it is local"),
            ("directory", context.artifacts_path.value),
        ]
        return run_table(facts, self._recorder.newest_outputs())

    # Beginning and ending

    def __enter__(self) -> Run:
        self._is_in_block = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_patient = self._end_as(RunOutcome("succeeded") if error is None else outcome_of(error))
        if self._restore_outer_run is not None:
            self._restore_outer_run()
        if not is_patient and error is None:
            raise KeyboardInterrupt

    @short_traceback
    def end(self, *, wait_s: float | None = None) -> None:
        """End the run as succeeded, unless it has another ending already.

        Args:
            wait_s: How long to wait, in seconds, until the server has everything; the variable
                AXONLOG_END_TIMEOUT or ten seconds if not given. What is not delivered by then
                stays on disk, and a warning says how much.

        Raises:
            KeyboardInterrupt: Ctrl-C while it waits. The run has ended all the same.
        """
        check_seconds("wait_s", wait_s)
        if not self._end_as(RunOutcome("succeeded"), wait_s=wait_s):
            raise KeyboardInterrupt

    def settle(
        self,
        status: FinalStatus | BaseException,
        *,
        reason: str | None = None,
        message: str | None = None,
    ) -> None:
        """Give the run an ending and go on listening: the next record sets it running again.

        For a trainer whose fit is over while its process is not. An ending of failed or stopped
        is not replaced by a later succeeded.

        Args:
            status: The status, or the exception that ended the work, which has reason and message.
            reason: In one word, why.
            message: In a sentence, why.
        """
        if self._recorder is not None:
            if isinstance(status, BaseException):
                self._recorder.mark_finished(outcome_of(status))
            else:
                self._recorder.mark_finished(RunOutcome(status, reason, message))

    # Copying

    def __copy__(self) -> Run:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Run:
        return self

    def __reduce__(self) -> tuple[Callable[..., Run], tuple[Any, ...]]:
        """A pickle is a handle: the same run where it is unpickled, without its token.

        In the same process that is this very object. In another one it records points and
        everything else into the same directory; status, ending and delivery stay with the
        process that started the run.
        """
        return Run._from_handle, (self.context,)

    @classmethod
    def _from_handle(cls, context: Context) -> Run:
        return HANDLES.open(context)

    @classmethod
    def _join(cls, context: Context) -> Run:
        run = cls.__new__(cls)
        run.context = context
        run._bind(None if context.no_op.value else Recorder(context, is_guest=True))
        return run

    def _end_unheld(self) -> Callable[[], object]:
        """What ends the run's recording when nobody has the run any more; holds no run itself."""
        recorder = self._recorder
        return lambda: recorder is None or recorder.end_as(RunOutcome("succeeded"))

    def _bind(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._is_in_block = False
        # Makes the run that was current before this one current again.
        self._restore_outer_run: Callable[[], None] | None = None
        # The user's own record and the automatic one, which runs beside the training.
        self._environment_lock = threading.RLock()
        # `RunFiles` says what for.
        self._append: Callable[[Mapping[str, Any], Any, Any], None] = _drop
        self._append_one: Callable[[str, Any, Any, Any], None] = _drop
        if recorder is not None:
            if self.context.collect_artifacts.value:
                self._append = recorder.store.journal.append
                self._append_one = recorder.store.journal.append_one
            else:
                last_values = LastValues(recorder)
                self._append, self._append_one = last_values.append, last_values.append_one
            HANDLES.add(self)

    # Metrics

    def log_metric(
        self, name: str, value: Any, step: int | None = None, timestamp: Any = None
    ) -> None:
        """Record one number.

        Args:
            name: Any name; ``/`` groups.
            value: A number, or an array or tensor that holds exactly one. NaN and infinities are
                kept.
            step: Position in training; it may repeat, go back or be missing.
            timestamp: A datetime, an ISO 8601 string or seconds since 1970; now if not given.

        Raises:
            EventError: One of these is not acceptable.
        """
        try:
            self._append_one(name, value, step, timestamp)
        except AxonlogError as error:
            raise without_frames(error) from None

    def log_metrics(
        self,
        metrics: Mapping[str, Any] | int | None = None,
        /,
        timestamp: Any = None,
        *,
        step: int | None = None,
        **values: Any,
    ) -> None:
        """Record several numbers of one moment.

        Args:
            metrics: Names and numbers; a metric may have any name here. An integer in this
                place is the step, as in the original.
            timestamp: See ``log_metric``.
            step: See ``log_metric``.
            **values: Further names and numbers.

        Raises:
            EventError: Some were not acceptable. The others are recorded.
        """
        if metrics is not None:
            values, step = merge_metrics(metrics, step, values)
        try:
            self._append(values, step, timestamp)
        except AxonlogError as error:
            raise without_frames(error) from None

    # Status

    @short_traceback
    def log_succeeded(
        self, reason: str | None = None, message: str | None = "Operation has succeeded"
    ) -> None:
        """End the run as succeeded; does nothing when it has ended."""
        self._end_given("succeeded", reason, message)

    @short_traceback
    def log_failed(self, reason: str | None = None, message: str | None = None) -> None:
        """End the run as failed; does nothing when it has ended."""
        self._end_given("failed", reason, message)

    @short_traceback
    def log_stopped(
        self, reason: str | None = None, message: str | None = "Operation is stopped"
    ) -> None:
        """End the run as stopped; does nothing when it has ended."""
        self._end_given("stopped", reason, message)

    # Inside

    def _end_given(self, status: FinalStatus, reason: str | None, message: str | None) -> None:
        check_text("reason", reason)
        check_text("message", message)
        self._end_as(RunOutcome(status, reason, message))

    def _end_as(self, ending: RunOutcome, *, wait_s: float | None = None) -> bool:
        return self._recorder is None or self._recorder.end_as(ending, wait_s=wait_s)


# Here rather than in `_handles`, which knows of no run: only this module can make a guest.
HANDLES: Handles[Run] = Handles(Run._join)


def _without_delivery(context: Context) -> Context:
    offline = context.is_offline.model_copy(
        update={"value": True, "source": "argument", "key": "auto_create", "path": None}
    )
    return context.model_copy(update={"is_offline": offline})
