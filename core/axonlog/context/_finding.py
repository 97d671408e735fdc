"""Find the run: which one, where it belongs, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass

from axonlog.context._belonging import Belonging, decide_belonging, project_of_directory
from axonlog.context._directory import RunDocument, decide_directory
from axonlog.context._precedence import Decision, Sources
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
    belonging = decide_belonging(sources, is_managed=is_managed)
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
    fallback = project_of_directory(surroundings.cwd)
    uuid = given_uuid(sources)
    if uuid is not None:
        directory, warnings = _directory_offline(sources, surroundings, uuid)
        document = RunDocument(str(directory.value))
        is_on_disk = document.content() is not None
        if is_on_disk:
            document.check_uuid(uuid.value)
            sources = {**sources, "document": document}
        belonging = decide_belonging(sources, is_managed=is_managed, fallback_project=fallback)
        run = choose_offline(sources, uuid, is_on_disk=is_on_disk)
        return Found(belonging, run, directory, (*warnings, *belonging.warnings))
    belonging = decide_belonging(sources, is_managed=is_managed, fallback_project=fallback)
    own = instance_uuid(sources, belonging) if is_managed else None
    run = choose_offline(sources, Decision(own) if own else None, is_on_disk=False)
    directory, warnings = _directory_offline(sources, surroundings, run.run_uuid)
    return Found(belonging, run, directory, (*warnings, *belonging.warnings))


def _directory_offline(
    sources: Sources, surroundings: Surroundings, uuid: Decision
) -> tuple[Decision, tuple[str, ...]]:
    return decide_directory(
        sources, surroundings, uuid.value, is_managed=False, is_offline=True, is_new=False
    )
