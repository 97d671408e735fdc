"""The base of every framework's adapter.

An adapter translates the callbacks of one framework into calls of a ``LazyRun``, which does what
every adapter needs: it resolves the context without starting anything, starts the run with the
first record, shares one run between the adapters of a process, survives copying and pickling, and
never stops a training because of a value that cannot be recorded.

An adapter takes the options of a run by name, makes one ``LazyRun``, and forwards the events of its
framework. For a trainer that calls ``on_begin``, ``on_step`` and ``on_end`` of its callbacks::

    from typing import Any

    from typing_extensions import Unpack

    from axonlog.integration import Context, LazyRun, Run, RunOptions, takes_run_options


    @takes_run_options(in_order=False, shows_defaults=False)
    class AxonTracker:
        def __init__(self, **options: Unpack[RunOptions]) -> None:  # project=, name=, config= ...
            self._lazy = LazyRun("AxonTracker", options)

        @property
        def context(self) -> Context:
            return self._lazy.context  # starts nothing

        @property
        def run(self) -> Run:
            return self._lazy.start()

        def on_begin(self, settings: dict[str, Any]) -> None:
            self._lazy.log_inputs(settings)

        def on_step(self, step: int, metrics: dict[str, float]) -> None:
            self._lazy.log_metrics(metrics, step)

        def on_end(self, error: BaseException | None) -> None:
            self._lazy.mark_finished(error)

``on_end`` gives the run a status and does not end it: the next record sets it running again, and
the process ends it. ``Context`` and ``Run`` are here for annotations, so that an adapter imports
nothing else of axonlog.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from axonlog import context as contexts
from axonlog import tracking
from axonlog.context import RUN_OPTIONS, Context, RunOptions, takes_run_options
from axonlog.errors import ContextError, EventError
from axonlog.events import check_name, to_metric_value, to_step
from axonlog.tracking import Run

__all__ = ["Context", "LazyRun", "Run", "RunOptions", "takes_run_options"]

_log = logging.getLogger("axonlog")

# The sources that count as an explicit wish of the user.
_EXPLICIT = ("argument", "trainer config")

# A vector of so many numbers, such as a score per class, is worth a metric per number.
_MAX_VECTOR = 16

# Deeper inputs stay together as one value.
_MAX_DEPTH = 20

# Who started a run: the kind of the integration and the very instance of it.
_STARTERS: WeakKeyDictionary[Run, tuple[str, str]] = WeakKeyDictionary()

# Two integrations may record their first thing at once, on two threads.
_STARTING = threading.RLock()


class LazyRun:
    """The run of one integration object; nothing is started before ``start``.

    An instance joins the current run of the process, so that a logger, a callback and
    ``axonlog.init`` in one script share one. It gets a run of its own where that run was started
    by another instance of the same integration (five loggers in a loop are five runs), or where
    its arguments or its config ask for another run, owner or project, or for a new one.

    A deep copy is the same run. A pickled copy knows the run by its uuid and starts it, or
    finds it started, where it is unpickled; it carries no token but that of a ``client`` given.

    Args:
        kind: The integration's name, the same for all its instances.
        options: The options of a run; None means not given.

    Raises:
        TypeError: A run has no such option.
    """

    def __init__(self, kind: str, options: Mapping[str, Any]) -> None:
        unknown = options.keys() - RUN_OPTIONS.keys()
        if unknown:
            raise TypeError(
                f"{kind} has no option {', '.join(map(repr, sorted(unknown)))}; the options are "
                f"{', '.join(sorted(RUN_OPTIONS))}"
            )
        self._kind = kind
        self._options = {key: value for key, value in options.items() if value is not None}
        self._instance = uuid4().hex
        self._context: Context | None = None
        self._run: Run | None = None
        self._token_is_missing = False
        self._reported: set[str] = set()

    @property
    def context(self) -> Context:
        """Where the run belongs, or will: the same at every reading, and nothing is started.

        Raises:
            ContextError: The settings do not say where, and no run is there to join.
        """
        if self._context is None:
            with _STARTING:
                if self._context is None:
                    self._decide()
        return self._known_context()

    @property
    def run(self) -> Run | None:
        """The run if it has been started or joined, else None; nothing is started."""
        return self._run

    def start(self) -> Run:
        """The run, started or joined at the first call, continued if it was ended since.

        Raises:
            AxonlogError: As ``tracking.init``.
        """
        run = self._run
        if run is not None and not run.is_ended:
            return run
        with _STARTING:
            context = self.context
            if self._run is None or self._run.is_ended:
                if self._run is not None:
                    context = self._context = _to_continue(context)
                self._run = self._find_started(context) or self._init(context)
            return self._run

    def log_metrics(self, metrics: Mapping[str, Any], step: Any = None) -> None:
        """Record what can be recorded of ``metrics``, and say once of each other why it is not.

        The user called no log function, so nothing is raised that would end the training. A
        vector of at most 16 numbers becomes ``name/0``, ``name/1`` and so on; where the step is
        refused, the metrics are recorded without one.
        """
        run = self.start()
        try:
            run.log_metrics(metrics, step=step)
        except EventError:
            self._log_valid_metrics(run, metrics, step)

    def log_inputs(self, inputs: object) -> None:
        """Record inputs; nested mappings become one input per leaf, named ``outer/inner``.

        Keys become text. An input with an empty name is left out with a warning.

        Args:
            inputs: A mapping, or an object whose attributes are meant: a namespace, a dataclass.
        """
        if not isinstance(inputs, Mapping) and not hasattr(inputs, "__dict__"):
            error = EventError(f"inputs must be a mapping or have attributes, not {inputs!r:.60}")
            self._warn_once("what was given as inputs", error)
            return
        named = {}
        for name, value in _flatten(inputs if isinstance(inputs, Mapping) else vars(inputs)):
            try:
                named[check_name(name)] = value
            except EventError as error:
                self._warn_once(f"input {name!r}", error)
        self.start().log_inputs(named)

    def mark_finished(self, error: BaseException | None = None) -> None:
        """Give the run the status of a training that is over; nothing happens without a run.

        Args:
            error: The exception that ended the training; without one the run succeeded.
        """
        if self._run is not None and not self._run.is_ended:
            self._run.settle("succeeded" if error is None else error)

    def mark_stopped(self, reason: str, message: str) -> None:
        """Give the run the status ``stopped``; nothing happens without a run."""
        if self._run is not None and not self._run.is_ended:
            self._run.settle("stopped", reason=reason, message=message)

    def _log_valid_metrics(self, run: Run, metrics: Mapping[str, Any], step: Any) -> None:
        try:
            to_step(step)
        except EventError as error:
            # Nothing has been recorded yet.
            self._warn_once("the step of some metrics", error)
            self.log_metrics(metrics)
            return
        # The others have been recorded.
        for name, value in metrics.items():
            try:
                check_name(name)
                to_metric_value(value)
            except EventError as error:
                numbers = _numbers_in(value) if name.strip() else []
                if numbers:
                    parts = {f"{name}/{index}": number for index, number in enumerate(numbers)}
                    run.log_metrics(parts, step=step)
                else:
                    self._warn_once(f"metric {name!r}", error)

    def _warn_once(self, what: str, error: EventError) -> None:
        if what not in self._reported:
            self._reported.add(what)
            _log.warning("%s: %s is not recorded: %s", self._kind, what, error)

    def _decide(self) -> None:
        current = tracking.TRACKING_RUN
        if current is None or current.is_ended or self._is_same_integration(current):
            self._context = self._resolve()
            return
        wanted = self._resolve_offline(current)
        if _asks_for_another(wanted, current):
            self._context = self._resolve()
            return
        self._context, self._run = current.context, current
        self._warn_of_ignored(wanted, current)

    def _resolve_offline(self, current: Run) -> Context:
        """The context that the explicit settings ask for.

        Resolved offline: whether a token is there matters only to the process's current run.

        Raises:
            ContextError: A place was written down that cannot be used.
        """
        try:
            return self._resolve(is_offline=True)
        except ContextError:
            if self._options.keys() & {"owner", "project"}:
                raise
            wanted = self._resolve(is_offline=True, owner=current.owner, project=current.project)
            if any(other.source in _EXPLICIT for other in wanted.project.shadowed):
                raise
            return wanted

    def _is_same_integration(self, run: Run) -> bool:
        """Whether another instance of this integration started ``run``."""
        kind, instance = _STARTERS.get(run, (None, None))
        return kind == self._kind and instance != self._instance

    def _warn_of_ignored(self, wanted: Context, run: Run) -> None:
        ignored = [
            f"{field}="
            for field in ("name", "description", "tags", "artifacts_path")
            if getattr(wanted, field).source in _EXPLICIT
            and getattr(wanted, field).value != getattr(run.context, field).value
        ]
        if self._options.get("is_offline", run.context.is_offline.value) != (
            run.context.is_offline.value
        ):
            ignored.append("is_offline=")
        if ignored:
            _log.warning(
                "%s joins run %s, which was started before; without effect here: %s",
                self._kind,
                run.run_uuid,
                ", ".join(ignored),
            )

    def _resolve(self, **overrides: Any) -> Context:
        return contexts.resolve(**{**self._options, **overrides})

    def _known_context(self) -> Context:
        context = self._context
        assert context is not None  # noqa: S101  # for the type checker: `_decide` has set it
        if self._token_is_missing:
            fresh = self._resolve()
            context = context.model_copy(
                update={"token": fresh.token, "connection": fresh.connection}
            )
            self._context, self._token_is_missing = context, False
        return context

    def _find_started(self, context: Context) -> Run | None:
        """A copy of this object, made by pickling, may have started the run already."""
        for run in (tracking.TRACKING_RUN, *list(_STARTERS)):
            if run is not None and not run.is_ended and run.run_uuid == context.run_uuid.value:
                return run
        return None

    def _init(self, context: Context) -> Run:
        run = tracking.init(context=context)
        _STARTERS[run] = (self._kind, self._instance)
        self._context = run.context  # the run may have turned out to be local
        return run

    def __deepcopy__(self, memo: dict[int, object]) -> LazyRun:
        return self

    def __getstate__(self) -> dict[str, Any]:
        context = self.context  # decided now, so that both sides agree on the uuid
        return {
            **self.__dict__,
            "_run": None,
            "_context": context,
            "_token_is_missing": context.connection.token is not None,
        }


def _asks_for_another(wanted: Context, current: Run) -> bool:
    """Whether what was written down cannot be had in the current run."""
    places = (
        (wanted.run_uuid, current.run_uuid),
        (wanted.owner, current.owner),
        (wanted.project, current.project),
    )
    if any(setting.source in _EXPLICIT and setting.value != has for setting, has in places):
        return True
    return wanted.is_new.value and wanted.is_new.source in _EXPLICIT


def _to_continue(context: Context) -> Context:
    """``context`` for going on with a run that has been there before."""
    return context.model_copy(update={"is_new": context.is_new.model_copy(update={"value": False})})


def _numbers_in(value: Any) -> list[float]:
    """The numbers of a short vector; none of anything else."""
    if not isinstance(value, (list, tuple)) and not hasattr(value, "shape"):
        return []
    try:
        return [to_metric_value(item) for item in value] if len(value) <= _MAX_VECTOR else []
    except Exception:  # noqa: BLE001  # a foreign object's methods may raise anything
        return []


def _flatten(
    values: Mapping[Any, Any], prefix: str = "", above: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any]]:
    """Names and leaves; ``above`` holds the ids of the mappings that ``values`` lies in."""
    path = (*above, id(values))
    for key in values:
        name = f"{prefix}{key}"
        try:
            value = values[key]
        except Exception as error:  # noqa: BLE001  # OmegaConf computes some, and may have nothing
            value = f"<{type(error).__name__}>"
        if not isinstance(value, Mapping) or not value:
            yield name, value
        elif id(value) in path:
            yield name, "<cycle>"
        elif len(path) > _MAX_DEPTH:
            yield name, value
        else:
            yield from _flatten(value, f"{name}/", path)
