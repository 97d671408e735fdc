"""Find the run: which one, where it belongs, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass

from axonlog.context._directory import RunDocument, decide_directory, occupying_run
from axonlog.context._environment import Environment
from axonlog.context._precedence import Decision, Sources, decide
from axonlog.context._project import RunProject, decide_project, project_of_directory
from axonlog.context._run_choice import (
    RunChoice,
    choose_offline,
    choose_online,
    given_uuid,
    instance_uuid,
)
from axonlog.context._server import Server


@dataclass(frozen=True)
class LocatedRun:
    """A run with its place in the world and on the disk."""

    run_project: RunProject
    run: RunChoice
    directory: Decision
    warnings: tuple[str, ...]


def locate_online(
    sources: Sources, environment: Environment, server: Server, *, is_managed: bool
) -> LocatedRun:
    """Find a run that a server knows or will know.

    Raises:
        ContextError: See `decide_project` and `choose_online`.
    """
    sources = _with_occupying_run(sources, environment, is_managed=is_managed)
    run_project = decide_project(sources)
    run = choose_online(
        sources, run_project, is_managed=is_managed, is_elsewhere=server.is_elsewhere
    )
    directory, warnings = decide_directory(
        sources,
        environment,
        run.run_uuid.value,
        is_managed=is_managed,
        is_offline=False,
        is_new=run.is_new.value,
    )
    return LocatedRun(
        run_project, run, directory, (*warnings, *run_project.warnings, *run.warnings)
    )


def locate_offline(sources: Sources, environment: Environment, *, is_managed: bool) -> LocatedRun:
    """Find a run that no server is asked about; one that is on disk knows where it belongs.

    It needs no project: without one it gets that of the working directory's name.

    Raises:
        ContextError: See `decide_project`, and when the directory holds another run.
    """
    sources = _with_occupying_run(sources, environment, is_managed=is_managed)
    fallback = project_of_directory(environment.cwd)
    uuid = given_uuid(sources)
    if uuid is not None:
        directory, warnings = _directory_offline(sources, environment, uuid)
        document = RunDocument(str(directory.value))
        is_on_disk = document.content() is not None
        if is_on_disk:
            document.check_uuid(uuid.value)
            sources = {**sources, "document": document}
        run_project = decide_project(sources, fallback_project=fallback)
        run = choose_offline(sources, uuid, is_on_disk=is_on_disk)
        is_asked_for = bool(decide("is_new", sources).value) or uuid.origin.source == "in-cluster"
        if run.is_new.value and not is_asked_for:
            unknown = f"run {uuid.value} ({uuid.origin}) is not in {directory.value}: "
            warnings = (*warnings, f"{unknown}a new run is started under this uuid")
        return LocatedRun(run_project, run, directory, (*warnings, *run_project.warnings))
    run_project = decide_project(sources, fallback_project=fallback)
    own = instance_uuid(sources, run_project) if is_managed else None
    run = choose_offline(sources, Decision(own) if own else None, is_on_disk=False)
    is_new = bool(decide("is_new", sources).value)
    directory, warnings = _directory_offline(sources, environment, run.run_uuid, is_new=is_new)
    return LocatedRun(run_project, run, directory, (*warnings, *run_project.warnings))


def _directory_offline(
    sources: Sources, environment: Environment, uuid: Decision, *, is_new: bool = False
) -> tuple[Decision, tuple[str, ...]]:
    return decide_directory(
        sources, environment, uuid.value, is_managed=False, is_offline=True, is_new=is_new
    )


def _with_occupying_run(sources: Sources, environment: Environment, *, is_managed: bool) -> Sources:
    if is_managed:  # Polyaxon says which run that is
        return sources
    run = occupying_run(sources, environment)
    return sources if run is None else {**sources, "document": run}
