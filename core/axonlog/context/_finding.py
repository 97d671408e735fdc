"""Find the run: which one, where it belongs, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass

from axonlog.context._belonging import Belonging, decide_belonging, project_of_directory
from axonlog.context._directory import RunDocument, decide_directory, occupying_run
from axonlog.context._precedence import Decision, Sources, decide
from axonlog.context._run import (
    RunChoice,
    choose_offline,
    choose_online,
    given_uuid,
    instance_uuid,
)
from axonlog.context._server import Server
from axonlog.context._surroundings import Surroundings


@dataclass(frozen=True)
class Found:
    """A run with its place in the world and on the disk."""

    belonging: Belonging
    run: RunChoice
    directory: Decision
    warnings: tuple[str, ...]


def find_online(
    sources: Sources, surroundings: Surroundings, server: Server, *, is_managed: bool
) -> Found:
    """Find a run that a server knows or will know.

    Raises:
        ContextError: See `decide_belonging` and `choose_online`.
    """
    sources = _with_occupying_run(sources, surroundings, is_managed=is_managed)
    belonging = decide_belonging(sources)
    run = choose_online(sources, belonging, is_managed=is_managed, is_elsewhere=server.is_elsewhere)
    directory, warnings = decide_directory(
        sources,
        surroundings,
        run.run_uuid.value,
        is_managed=is_managed,
        is_offline=False,
        is_new=run.is_new.value,
    )
    return Found(belonging, run, directory, (*warnings, *belonging.warnings, *run.warnings))


def find_offline(sources: Sources, surroundings: Surroundings, *, is_managed: bool) -> Found:
    """Find a run that no server is asked about; one that is on disk knows where it belongs.

    It needs no project: without one it gets that of the working directory's name.

    Raises:
        ContextError: See `decide_belonging`, and when the directory holds another run.
    """
    sources = _with_occupying_run(sources, surroundings, is_managed=is_managed)
    fallback = project_of_directory(surroundings.cwd)
    uuid = given_uuid(sources)
    if uuid is not None:
        directory, warnings = _directory_offline(sources, surroundings, uuid)
        document = RunDocument(str(directory.value))
        is_on_disk = document.content() is not None
        if is_on_disk:
            document.check_uuid(uuid.value)
            sources = {**sources, "document": document}
        belonging = decide_belonging(sources, fallback_project=fallback)
        run = choose_offline(sources, uuid, is_on_disk=is_on_disk)
        is_asked_for = bool(decide("is_new", sources).value) or uuid.origin.source == "in-cluster"
        if run.is_new.value and not is_asked_for:
            unknown = f"run {uuid.value} ({uuid.origin}) is not in {directory.value}: "
            warnings = (*warnings, f"{unknown}a new run is started under this uuid")
        return Found(belonging, run, directory, (*warnings, *belonging.warnings))
    belonging = decide_belonging(sources, fallback_project=fallback)
    own = instance_uuid(sources, belonging) if is_managed else None
    run = choose_offline(sources, Decision(own) if own else None, is_on_disk=False)
    is_new = bool(decide("is_new", sources).value)
    directory, warnings = _directory_offline(sources, surroundings, run.run_uuid, is_new=is_new)
    return Found(belonging, run, directory, (*warnings, *belonging.warnings))


def _directory_offline(
    sources: Sources, surroundings: Surroundings, uuid: Decision, *, is_new: bool = False
) -> tuple[Decision, tuple[str, ...]]:
    return decide_directory(
        sources, surroundings, uuid.value, is_managed=False, is_offline=True, is_new=is_new
    )


def _with_occupying_run(
    sources: Sources, surroundings: Surroundings, *, is_managed: bool
) -> Sources:
    if is_managed:  # Polyaxon says which run that is
        return sources
    run = occupying_run(sources, surroundings)
    return sources if run is None else {**sources, "document": run}
