"""A run being tracked: what a user calls."""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, cast, get_args

from axonlog.context import Context, RunOptions, not_built_yet, resolve, takes_run_options
from axonlog.errors import ArgumentTypeError, AxonlogError, EventError
from axonlog.events import ArtifactKind, Status, clean_name
from axonlog.store import LineageEntry, digest, to_json_fields, to_json_value, write_json

from . import _logging
from ._arguments import check_path, check_seconds, check_text, not_a_mapping
from ._artifacts import digest_of_value, keep_asset, keep_output, lineage_entry, require_existing
from ._environment import CAPTURE_MARK, describe_code, describe_environment, is_captured
from ._exit_hooks import FinalStatus, RunOutcome, outcome_of
from ._handles import Handles
from ._last_values import LastValues
from ._recorder import DEFAULT_REASON, Recorder
from ._tracebacks import short_traceback, without_frames

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from axonlog.delivery import DeliveryReport

_log = logging.getLogger("axonlog")

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _recording(
    method: Callable[Concatenate[Run, _P], _R],
) -> Callable[Concatenate[Run, _P], _R | None]:
    """For what enters something into a run: nothing in a no-op run, an error after its end."""

    @functools.wraps(method)
    def call(self: Run, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        __tracebackhide__ = True
        try:
            if self._recorder is None or not self._recorder.accepts_records():
                return None
            return method(self, *args, **kwargs)
        except AxonlogError as error:
            raise without_frames(error) from None

    return call


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
class Run:
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
        # What stands in the training loop: one call from here into the journal.
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

    # The run document

    @_recording
    def log_inputs(
        self,
        inputs: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set inputs, the values fixed before training.

        Args:
            inputs: Names and values of any type. A bool in this place is ``reset``, as in the
                original.
            async_req: Accepted for compatibility; nothing here waits for the server.
            reset: Take the other inputs away.
            **values: Further names and values.
        """
        self._merge("inputs", inputs, values, reset=reset)

    @_recording
    def log_outputs(
        self,
        outputs: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set outputs, the results known at the end; arguments as for ``log_inputs``."""
        self._merge("outputs", outputs, values, reset=reset)

    @_recording
    def log_meta(
        self,
        meta: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set meta information; arguments as for ``log_inputs``."""
        self._merge("meta_info", meta, values, reset=reset)

    @_recording
    def log_tags(
        self, tags: str | Sequence[str], reset: bool = False, async_req: bool = True
    ) -> None:
        """Add tags; a string may hold several, separated by commas.

        Args:
            tags: What to add; those that are there already stay as they are.
            reset: Take the other tags away.
            async_req: Accepted for compatibility; nothing here waits for the server.
        """
        if isinstance(tags, (bytes, Mapping)) or not isinstance(tags, Iterable):
            raise EventError(f"tags must be text or a list of texts, not {tags!r:.60}")
        given = tags.split(",") if isinstance(tags, str) else [str(tag) for tag in tags]
        cleaned = [tag.strip() for tag in given if tag.strip()]
        if cleaned or reset:
            with self._open.tolerating_disk_failure():
                self._open.store.document.add_tags(cleaned, reset=reset)

    @_recording
    def log_progress(self, value: float) -> None:
        """Tell how far the run is, from 0 to 1.

        Raises:
            ArgumentTypeError: Not a number; also a ``TypeError``.
            EventError: Outside that range; also a ``ValueError``.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ArgumentTypeError(f"progress must be a number from 0 to 1, not {value!r}")
        if not 0 <= value <= 1:
            raise EventError(f"progress must be from 0 to 1, not {value!r}")
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge("meta_info", {"progress": value}, deferred=True)

    @_recording
    def set_name(self, name: str, async_req: bool = True) -> None:
        """Replace the name; ``async_req`` is accepted for compatibility."""
        self._set_text("name", name)

    @_recording
    def set_description(self, description: str, async_req: bool = True) -> None:
        """Replace the description; ``async_req`` is accepted for compatibility."""
        self._set_text("description", description)

    @_recording
    def set_readme(self, readme: str, async_req: bool = True) -> None:
        """Replace the readme, in Markdown; ``async_req`` is accepted for compatibility."""
        self._set_text("readme", readme)

    # Status

    @_recording
    def log_status(
        self,
        status: Status,
        reason: str | None = None,
        message: str | None = None,
        last_transition_time: datetime | None = None,
        last_update_time: datetime | None = None,
    ) -> None:
        """Enter a status into the run's history; this alone does not end the run.

        Raises:
            EventError: Polyaxon has no such status.
        """
        if status not in get_args(Status):
            known = ", ".join(get_args(Status))
            raise EventError(f"no such status: {status!r}; Polyaxon knows {known}")
        status = cast("Status", _text_of(status))
        with self._open.tolerating_disk_failure():
            self._open.store.document.add_condition(
                status,
                reason=reason or DEFAULT_REASON,
                message=message,
                updated=last_update_time,
                changed=last_transition_time,
            )

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

    # Files

    @short_traceback
    def get_artifacts_path(
        self,
        rel_path: str | None = None,
        ensure_path: bool = False,
        is_dir: bool = False,
        use_store_path: bool = False,
    ) -> str | None:
        """A path in the run's directory; None in a no-op run.

        Args:
            rel_path: Relative to the run; its directory itself if not given.
            ensure_path: Make the folder that the path lies in.
            is_dir: The path is a folder, to be made itself.
            use_store_path: Relative to the run's place in the artifacts store instead.
        """
        if rel_path is not None:
            check_path("rel_path", rel_path)
        root = self.context.store_path if use_store_path else self.context.artifacts_path
        return self._path_in(root.value, rel_path, ensure_path and not use_store_path, is_dir)

    @short_traceback
    def get_outputs_path(
        self,
        rel_path: str | None = None,
        ensure_path: bool = True,
        is_dir: bool = False,
        use_store_path: bool = False,
    ) -> str | None:
        """A path among the run's outputs; arguments as for ``get_artifacts_path``."""
        if rel_path is not None:
            check_path("rel_path", rel_path)
        if use_store_path:
            return self.get_artifacts_path(
                f"outputs/{rel_path or ''}".rstrip("/"), False, False, True
            )
        return self._path_in(self.context.outputs_path.value, rel_path, ensure_path, is_dir)

    @_recording
    def log_artifact(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        kind: str | None = None,
        summary: Mapping[str, Any] | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Copy a file or a folder into the run.

        Args:
            path: What to copy.
            name: Name in the lineage; the file's own, up to its first dot, if not given.
            kind: What it is, ``file`` if not given. With ``step`` one that Polyaxon knows.
            summary: What to tell of it in the lineage; without ``step`` only.
            step: With a step it becomes one of a series: an asset that an event points to.
            timestamp: See ``log_metric``; with ``step`` only.
            rel_path: A folder below the outputs; without ``step`` only.
            skip_hash_calculation: Do not digest the content.

        Raises:
            EventError: There is nothing at ``path``, or ``kind`` cannot have a step.
        """
        kind = _text_of(kind or ArtifactKind.FILE)
        hashed = not skip_hash_calculation
        event_value = {"kind": kind}
        self._keep(
            path, name, kind, summary or {}, event_value, step, timestamp, rel_path, hashed=hashed
        )

    @_recording
    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        framework: str | None = None,
        summary: Mapping[str, Any] | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Copy a model's file or folder into the run; arguments as for ``log_artifact``.

        ``framework`` is told in the lineage.
        """
        kind = ArtifactKind.MODEL.value
        hashed = not skip_hash_calculation
        summary = {"framework": framework, **(summary or {})}
        spec = {key: value for key, value in summary.items() if key != "framework"}
        event_value = {"framework": framework, "spec": spec or None}
        self._keep(path, name, kind, summary, event_value, step, timestamp, rel_path, hashed=hashed)
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge("meta_info", {"has_model": True})

    @_recording
    def log_file_ref(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        hash: str | None = None,  # the original's name
        content: Any = None,
        summary: Mapping[str, Any] | None = None,
        is_input: bool = False,
        rel_path: str | None = None,
        skip_hash_calculation: bool = False,
    ) -> None:
        """Note a file in the lineage, without copying it.

        Args:
            path: Where it is: a path, or a URL.
            name: Name in the lineage; the file's own, up to its first dot, if not given.
            hash: Its digest; computed if not given, where the file can be read.
            content: A value to take the digest of instead of the file.
            summary: What else to tell of it.
            is_input: Whether the run reads it rather than makes it.
            rel_path: The path to tell instead of ``path``.
            skip_hash_calculation: Do not digest the content.
        """
        check_path("path", path)
        with self._open.tolerating_disk_failure():
            digest_hex = hash
            if digest_hex is None and content is not None:
                digest_hex = digest_of_value(content)
            elif digest_hex is None and not skip_hash_calculation:
                digest_hex = digest(Path(path))
            entry = lineage_entry(
                self._open.store,
                path,
                name,
                ArtifactKind.FILE.value,
                summary or {},
                digest_hex=digest_hex,
                recorded_path=rel_path,
                is_input=is_input,
            )
            self._open.store.lineage.add([entry], is_name_given=name is not None)

    @_recording
    def log_env(
        self, rel_path: str | None = None, content: Mapping[str, Any] | None = None
    ) -> None:
        """Write what surrounds the run into a JSON file among its outputs.

        Args:
            rel_path: Its place below the outputs, ``env.json`` if not given.
            content: What to write; interpreter, machine, packages and context if not given.
        """
        if rel_path is not None:
            check_path("rel_path", rel_path)
        self._record_environment(rel_path, content, is_automatic=False)

    @_recording
    def log_code_ref(
        self, code_ref: Mapping[str, Any] | None = None, is_input: bool = True
    ) -> None:
        """Note the code in the lineage.

        Args:
            code_ref: At least ``commit``; the git checkout around the working directory if not
                given. Without a commit nothing is noted.
            is_input: Whether the run reads the code rather than makes it.
        """
        if code_ref is not None and not isinstance(code_ref, Mapping):
            kind = type(code_ref).__name__
            raise ArgumentTypeError(f"code_ref must be a mapping, not {kind}")
        self._record_code(code_ref, is_input=is_input, is_automatic=False)

    # Inside

    @property
    def _open(self) -> Recorder:
        if self._recorder is None:
            raise AxonlogError("this run records nothing (no_op)")
        return self._recorder

    # The two that also run beside the training must not set a settled run running again, nor
    # mind that it has ended: they have no `_recording`.

    def _record_environment(
        self,
        rel_path: str | None = None,
        content: Mapping[str, Any] | None = None,
        *,
        is_automatic: bool = True,
    ) -> None:
        if content is None:
            found = describe_environment()
            content = {**found, "context": self.context.explain().to_dict(), **CAPTURE_MARK}
        store = self._open.store
        target = store.directory.outputs / (rel_path or "env.json")
        with self._open.tolerating_disk_failure(), self._environment_lock:
            if is_automatic and not is_captured(target):
                _log.info("%s is the user's: the captured environment is not written", target)
                return
            # The original digests the value, not the file; equal runs are found by it.
            digest_hex = digest_of_value(content)
            if isinstance(content, Mapping):
                document = to_json_fields(content, described=set())
            else:  # a dataclass, say
                document = to_json_value(content)
            write_json(target, document, compact=True, is_new=is_automatic and not target.exists())
            kind = ArtifactKind.ENV.value
            entry = lineage_entry(store, target, "env", kind, {}, digest_hex=digest_hex)
            store.lineage.add([entry], is_name_given=not is_automatic)

    def _record_code(
        self,
        code_ref: Mapping[str, Any] | None = None,
        *,
        is_input: bool = True,
        is_automatic: bool = True,
    ) -> None:
        code = describe_code() if code_ref is None else dict(code_ref)
        if not code or not code.get("commit"):
            return
        entry = LineageEntry(
            name=clean_name(str(code["commit"])),
            kind=ArtifactKind.CODEREF.value,
            summary=to_json_fields(code, described=set()),
            is_input=is_input,
        )
        with self._open.tolerating_disk_failure():
            self._open.store.lineage.add([entry], is_automatic=is_automatic)

    def _end_given(self, status: FinalStatus, reason: str | None, message: str | None) -> None:
        check_text("reason", reason)
        check_text("message", message)
        self._end_as(RunOutcome(status, reason, message))

    def _end_as(self, ending: RunOutcome, *, wait_s: float | None = None) -> bool:
        return self._recorder is None or self._recorder.end_as(ending, wait_s=wait_s)

    def _merge(
        self,
        field: Literal["inputs", "outputs", "meta_info"],
        given: Mapping[str, Any] | bool | None,
        values: Mapping[str, Any],
        *,
        reset: bool,
    ) -> None:
        if isinstance(given, Mapping):
            values = {**given, **values}
        elif isinstance(given, bool):
            reset = given
        elif given is not None:
            # Taken for `reset`, as anything true once was, it would take the other values away.
            function = "log_meta" if field == "meta_info" else f"log_{field}"
            raise not_a_mapping(function, given)
        named, refused = _named(values) if field != "meta_info" else (values, [])
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge(field, named, reset=reset)
        if refused:
            raise EventError("; ".join(refused))

    def _set_text(self, field: Literal["name", "description", "readme"], value: str) -> None:
        with self._open.tolerating_disk_failure():
            self._open.store.document.set_field(field, value)

    def _path_in(
        self, root: str | None, rel_path: str | None, ensure_path: bool, is_dir: bool
    ) -> str | None:
        if root is None or self._recorder is None:
            return None
        path = Path(root, rel_path) if rel_path else Path(root)
        if ensure_path:
            with self._recorder.tolerating_disk_failure():
                (path if is_dir or not rel_path else path.parent).mkdir(parents=True, exist_ok=True)
        return str(path)

    def _keep(
        self,
        path: str | os.PathLike[str],
        name: str | None,
        kind: str,
        summary: Mapping[str, Any],
        event_value: Mapping[str, Any],
        step: int | None,
        timestamp: Any,
        rel_path: str | None,
        *,
        hashed: bool,
    ) -> None:
        """As an output with ``summary``, or with a step as an asset with ``event_value``."""
        check_path("path", path)
        source = require_existing(path)
        store = self._open.store
        with self._open.tolerating_disk_failure():
            if step is None:
                keep_output(
                    store,
                    source,
                    name=name,
                    kind=kind,
                    summary=summary,
                    rel_path=rel_path,
                    hashed=hashed,
                    run_in_background=self._open.run_in_background,
                )
            else:
                keep_asset(
                    store,
                    source,
                    name=name,
                    kind=kind,
                    step=step,
                    timestamp=timestamp,
                    value=event_value,
                )


# Here rather than in `_handles`, which knows of no run: only this module can make a guest.
HANDLES: Handles[Run] = Handles(Run._join)


def _text_of(word: object) -> str:
    """``word``, or what a member of an enum stands for: its ``str`` would be `Kind.MODEL`."""
    return str(word.value if isinstance(word, Enum) else word)


def _without_delivery(context: Context) -> Context:
    offline = context.is_offline.model_copy(
        update={"value": True, "source": "argument", "key": "auto_create", "path": None}
    )
    return context.model_copy(update={"is_offline": offline})


def _named(values: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values under names that Polyaxon takes, no two under one, and what has no name."""
    named: dict[str, Any] = {}
    refused = []
    for key, value in values.items():
        try:
            name = clean_name(str(key))
        except EventError as error:
            refused.append(str(error))
            continue
        # Two names may clean to one; the later one is told apart by its digest.
        named[f"{name}-{digest_of_value(key)[:6]}" if name in named else name] = value
    return named, refused
