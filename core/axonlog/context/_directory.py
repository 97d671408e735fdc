"""Decide where a run's files are on this machine."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axonlog._polyaxon import DATA_ROOT, RUN_DOCUMENT
from axonlog.context import _values as values
from axonlog.context._environment import Environment
from axonlog.context._files import read_json
from axonlog.context._origin import Answer, Origin
from axonlog.context._places import context_root
from axonlog.context._precedence import Decision, Sources, decide
from axonlog.context._sources import CachedFile

# The caches of the command line are not what is wrong.
_DAMAGED = (
    "bring it back from the server or a backup, or pass is_new=True or another artifacts_path= to "
    "start a run beside it"
)


def decide_directory(
    sources: Sources,
    environment: Environment,
    run_uuid: str,
    *,
    is_managed: bool,
    is_offline: bool,
    is_new: bool,
) -> tuple[Decision, tuple[str, ...]]:
    """Decide the run's directory, always absolute.

    Returns:
        The decision, and a warning when the run is not where one would look for it.
    """
    usual: tuple[Decision, tuple[str, ...]]
    given = decide("artifacts_path", sources)
    if given.value:
        path = environment.absolute(given.value)
        return _given_directory(path, given, is_new=is_new)
    if is_offline:
        root = _root("POLYAXON_OFFLINE_ROOT", environment)
        if root:
            return _at(root, f"runs/{run_uuid}"), ()
    elif is_managed:
        related = "_related_runs/" if is_new else ""
        name = "POLYAXON_CONTEXT_ROOT"
        origin = Origin("in-cluster", name if environment.variable(name) else None)
        path = f"{context_root(environment)}/artifacts/{related}{run_uuid}"
        return Decision(Answer(path, origin)), ()
    else:
        root = _root("POLYAXON_ARTIFACTS_ROOT", environment)
        if root:
            usual = Decision(Answer(f"{root.value}/{run_uuid}", root.origin)), ()
        else:
            usual = _default_place(environment, run_uuid)
        tracked_offline = None if is_new else _tracked_offline(environment, run_uuid, usual[0])
        return (tracked_offline, ()) if tracked_offline else usual
    return _default_place(environment, run_uuid)


def _given_directory(
    path: str, given: Decision, *, is_new: bool
) -> tuple[Decision, tuple[str, ...]]:
    """``path``, or for a new run the first free directory beside it."""
    if not (is_new and _is_run(path)):
        return Decision(Answer(path, given.origin), given.shadowed), ()
    beside = (f"{path}-{number}" for number in itertools.count(2))
    free = next(other for other in beside if not os.path.lexists(other))
    warning = f"{path} holds another run: the new run is kept in {free}"
    return Decision(Answer(free, given.origin), given.shadowed), (warning,)


def outputs_path(artifacts_path: Decision) -> Decision:
    """The directory of a run's own output files."""
    return Decision(Answer(f"{artifacts_path.value}/outputs", artifacts_path.origin))


def _root(name: str, environment: Environment) -> Answer | None:
    given = environment.variable(name)
    if given is None:
        return None
    return Answer(environment.absolute(given), Origin("environment", name))


def _at(root: Answer, below: str) -> Decision:
    return Decision(Answer(f"{str(root.value).rstrip('/')}/{below}", root.origin))


def _tracked_offline(environment: Environment, run_uuid: str, usual: Decision) -> Decision | None:
    """Where the resumed run was tracked offline, if it is there and not in its usual place."""
    root = _root("POLYAXON_OFFLINE_ROOT", environment)
    if root is None or _holds_run(usual):
        return None
    place = _at(root, f"runs/{run_uuid}")
    return place if _holds_run(place) else None


def _holds_run(directory: Decision) -> bool:
    return _is_run(str(directory.value))


def _is_run(path: str) -> bool:
    # `Path.is_file` raises where a directory on the way may not be entered.
    return os.path.isfile(f"{path}/{RUN_DOCUMENT}")  # noqa: PTH113


def _default_place(environment: Environment, run_uuid: str) -> tuple[Decision, tuple[str, ...]]:
    """Below the working directory, or with the user's data where nothing can be written there."""
    cwd = environment.cwd
    below = f"runs/{run_uuid}"
    if cwd is not None:
        root = cwd / DATA_ROOT
        if environment.can_write(root if root.is_dir() else cwd):
            return _at(Answer(str(root), Origin("default")), below), ()
    data = environment.variable("XDG_DATA_HOME")
    base = Path(environment.absolute(data)) if data else environment.home / ".local" / "share"
    root = base / "axonlog"
    reason = f"{cwd} cannot be written to" if cwd else "the working directory has been removed"
    warning = f"{reason}: the run is kept in {root / below}; pass artifacts_path=... to choose"
    return _at(Answer(str(root), Origin("default")), below), (warning,)


class RunDocument(CachedFile):
    """The document of a run that is already on disk: it knows where it belongs."""

    def __init__(self, artifacts_path: str) -> None:
        super().__init__("run directory", Path(artifacts_path) / RUN_DOCUMENT, "the run in")

    def answer(self, field: str) -> Answer | None:
        return super().answer(field) if field in ("owner", "project") else None

    def _load(self) -> Mapping[str, Any] | None:
        return read_json(self.path, what="the run in", advice=_DAMAGED)

    def check_uuid(self, run_uuid: str) -> None:
        """Refuse a directory that holds another run.

        Raises:
            CacheError: The document cannot be read, or is another run's.
        """
        raw, origin = self.raw("uuid")
        found = values.uuid(raw, origin)
        if found is not None and found != values.uuid(run_uuid, origin):
            raise origin.refuse(
                f"this directory holds the run {found}, not {run_uuid}; pass another "
                "artifacts_path=..."
            )


class OccupyingRun(RunDocument):
    """The run in the directory that the caller gave: to be continued there."""

    def answer(self, field: str) -> Answer | None:
        if field != "run_uuid":
            return None
        raw, origin = self.raw("uuid")
        found = values.uuid(raw, origin)
        return None if found is None else Answer(found, origin)


def occupying_run(sources: Sources, environment: Environment) -> OccupyingRun | None:
    """The run in the directory that the caller gave, unless a new one is asked for.

    Raises:
        CacheError: What is there cannot be read.
    """
    given = decide("artifacts_path", sources)
    if not given.value or decide("is_new", sources).value:
        return None
    run = OccupyingRun(environment.absolute(given.value))
    return None if run.content() is None else run


def decide_store(artifacts_path: Decision, run_uuid: str, environment: Environment) -> Decision:
    """The run's place in the artifacts store, else its directory.

    A catalog that cannot be used is left for those who ask for the store: most runs never do.
    """
    name = environment.variable("POLYAXON_ARTIFACTS_STORE_NAME") or "artifacts_store"
    schema = _connection(environment.variable("POLYAXON_CONNECTIONS_CATALOG"), name)
    root = schema.get("mountPath") or schema.get("bucket")
    if not isinstance(root, str) or not root.strip("/"):
        return Decision(Answer(artifacts_path.value, Origin("default")))
    origin = Origin("environment", "POLYAXON_CONNECTIONS_CATALOG")
    return Decision(Answer(f"{root.rstrip('/')}/{run_uuid}", origin))


def _connection(catalog: str | None, name: str) -> Mapping[str, Any]:
    try:
        connections = json.loads(catalog or "{}")["connections"]
        found = next(c for c in connections if c["name"] == name)["schema"]
    except (ValueError, KeyError, TypeError, StopIteration):
        return {}
    return found if isinstance(found, Mapping) else {}
