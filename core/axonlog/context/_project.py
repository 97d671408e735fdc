"""Decide to which owner, team and project a run belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from axonlog.context._advice import polyaxon_command
from axonlog.context._options import CURRENT_OWNER, EXPLICIT, PRECEDENCE
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._precedence import Decision, Sources, default
from axonlog.context._project_path import (
    ProjectPath,
    parse_cached_path,
    parse_path,
    to_project_name,
)
from axonlog.context._sources import CachedFile
from axonlog.errors import AxonlogError, ContextError

# What was written for this very run, or by it: what is wrong there is always an error.
_STATED: tuple[SourceId, ...] = ("document", *EXPLICIT)
DEFAULT_OWNER = "default"
_NAMELESS_PROJECT = "default"


@dataclass(frozen=True)
class RunProject:
    """The owner (with its team) and the project of a run."""

    owner: Decision
    team: Decision
    project: Decision
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def place(self) -> str:
        """The place as people write it: ``owner/project``."""
        return f"{self.owner.value}/{self.project.value}"


@dataclass(frozen=True)
class _Place:
    """What one source says, and where it says so."""

    entity: ProjectPath
    owner_origin: Origin
    project_origin: Origin

    def owner(self) -> Answer:
        return Answer(self.entity.owner, self.owner_origin)

    def team(self) -> Answer:
        return Answer(self.entity.team, self.owner_origin)

    def project(self) -> Answer:
        return Answer(self.entity.project, self.project_origin)


def project_of_directory(cwd: Path | None) -> str:
    """The project of an offline run that nobody gave one: the working directory's name."""
    return to_project_name(cwd.name if cwd else "") or _NAMELESS_PROJECT


def decide_project(sources: Sources, *, fallback_project: str | None = None) -> RunProject:
    """Decide owner, team and project.

    A project that is given without an owner stays with the current organization: the owner of the
    managed run, else of the local cached project, else of the cached user, else of the global
    cached project.

    Args:
        sources: Of this call; the run instance is silent unless Polyaxon started this process.
        fallback_project: The project where no source names one; None makes that an error.

    Raises:
        ContextError: No project, names that are not allowed, or two owners that differ.
    """
    stated = [
        place
        for name in PRECEDENCE["project"]
        if name in _STATED and (place := _place(name, sources))
    ]
    project = next((place for place in stated if place.entity.project), None)
    owner = next((place for place in stated if place.entity.owner), None)
    warning = project.entity.warning if project else None
    notices: tuple[str, ...] = ()
    if project is not None:
        owners = CURRENT_OWNER
        if owner is None:
            owner = _first_owner(CURRENT_OWNER, sources)
            notices = _other_owner(sources, project, owner)
    else:
        owners = PRECEDENCE["owner"]
        project = _found_project(sources, owner, fallback_project=fallback_project)
        if owner is None and project.entity.owner:
            owner = project
        if owner is None:
            # A cached project speaks of its own owner only, not of another project's.
            rest = [name for name in owners if name not in PRECEDENCE["project"]]
            owner = _first_owner(rest, sources)
    others = [*stated, *_readable(owners, sources)]
    if owner is None:
        decided_owner, decided_team = default(DEFAULT_OWNER), default(None)
    else:
        decided_owner = _decision(owner.owner(), (place.owner() for place in others))
        # The team goes with its owner: another source's team is another organization's.
        decided_team = _decision(owner.team(), ()) if owner.entity.team else default(None)
    decided_project = _decision(project.project(), (place.project() for place in others))
    warnings = () if warning is None else (warning,)
    return RunProject(decided_owner, decided_team, decided_project, warnings, notices)


def _place(name: SourceId, sources: Sources) -> _Place | None:
    """What one source says about the place of the run; None when it says nothing."""
    source = sources[name]
    owner, project = source.answer("owner"), source.answer("project")
    said = owner or project
    if said is None:
        return None
    # `project="acme/mnist"` names the owner too, and is where a person would look for it.
    owner_origin, project_origin = (owner or said).origin, (project or said).origin
    read = parse_path if name in EXPLICIT else parse_cached_path
    entity = read(
        str(owner.value) if owner else None,
        str(project.value) if project else None,
        owner_origin=owner_origin,
        project_origin=project_origin,
    )
    return _Place(entity, owner_origin, project_origin)


def _found_project(
    sources: Sources, owner: _Place | None, *, fallback_project: str | None
) -> _Place:
    """The project that nobody named: of the run instance, or of the cached project."""
    found: _Place | None = None
    for name in PRECEDENCE["project"]:
        if name in _STATED:
            continue
        source, found = sources[name], _place(name, sources)
        is_nameless = found is None or found.entity.project is None
        if is_nameless and isinstance(source, CachedFile) and source.content() is not None:
            raise Origin(source.name, None, str(source.path)).refuse(
                "the cached project has no name; pass project=... or correct the file"
            )
        if found is not None:
            break
    if found is None and fallback_project is not None:
        return _Place(ProjectPath(project=fallback_project), Origin("default"), Origin("default"))
    if found is None:
        raise ContextError(_nothing_found(sources, owner))
    if owner and found.entity.owner not in (None, owner.entity.owner):
        raise owner.owner_origin.refuse(
            f"owner {owner.entity.owner!r} is not the owner of the current project "
            f"{found.entity.owner}/{found.entity.project} ({found.project_origin}); "
            "give project=... too"
        )
    return found


def _first_owner(order: Iterable[SourceId], sources: Sources) -> _Place | None:
    """The first of these sources that names an owner."""
    for name in order:
        place = _place(name, sources)
        if place and place.entity.owner:
            return place
    return None


def _other_owner(sources: Sources, project: _Place, owner: _Place | None) -> tuple[str, ...]:
    """That the global cached project has another owner than the one that was taken."""
    cached = next(_readable(["global_project"], sources), None)
    if owner is None or owner.owner_origin.source == "in-cluster":
        return ()
    if not (cached and cached.entity.owner) or cached.entity.owner == owner.entity.owner:
        return ()
    mine, theirs = owner.entity.owner, cached.entity.owner
    name = project.entity.project
    return (
        f"Project `{name}` is taken to be of the owner `{mine}` ({owner.owner_origin}), not of "
        f"`{theirs}` ({cached.owner_origin}); pass project='{theirs}/{name}' if that one is meant.",
    )


def _readable(order: Iterable[SourceId], sources: Sources) -> Iterator[_Place]:
    """What the sources say that nobody stated; one that cannot say it properly is left out."""
    for name in order:
        if name in _STATED:
            continue
        try:
            place = _place(name, sources)
        except AxonlogError:
            continue
        if place is not None:
            yield place


def _decision(winner: Answer, others: Iterable[Answer]) -> Decision:
    lost = [answer for answer in others if answer.value is not None and answer != winner]
    return Decision(winner, tuple(lost))


def _nothing_found(sources: Sources, owner: _Place | None) -> str:
    names = [name for name in PRECEDENCE["project"] if name != "document"]
    looked = "; ".join(sources[name].place("project") for name in names)
    known = f"owner {owner.entity.owner!r} is given, but " if owner else ""
    message = (
        f"{known}no project was found; looked at {looked}. Please pass project='owner/project', "
        f"or cache one with {polyaxon_command('init -p owner/project')}"
    )
    if sources["environment"].answer("run_instance"):
        message += "; POLYAXON_RUN_INSTANCE is set: set POLYAXON_IS_MANAGED=true to use it"
    return message
