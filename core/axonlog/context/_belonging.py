"""Decide to which owner, team and project a run belongs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from axonlog.context._advice import polyaxon_command
from axonlog.context._entity import Entity, parse, parse_cached, to_project_name
from axonlog.context._options import EXPLICIT
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._precedence import Decision, Sources, default
from axonlog.context._sources import CachedFile, Source
from axonlog.errors import AxonlogError, ContextError

_PROJECT_FILES: tuple[SourceId, ...] = ("local_project", "global_project")
# Of a project that was named without its owner. A local file is about this very directory; whose
# organization is the current one is known better by the login than by a global file, which holds
# whatever project was used last.
_CURRENT_OWNER: tuple[SourceId, ...] = ("local_project", "user", "global_project")
DEFAULT_OWNER = "default"
_NAMELESS_PROJECT = "default"


@dataclass(frozen=True)
class Belonging:
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

    entity: Entity
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


def decide_belonging(
    sources: Sources, *, is_managed: bool, fallback_project: str | None = None
) -> Belonging:
    """Decide owner, team and project.

    A project that is given without an owner stays with the current organization: the owner of the
    managed run, else of the local cached project, else of the cached user, else of the global
    cached project.

    Args:
        sources: Of this call.
        is_managed: Polyaxon started this process.
        fallback_project: The project where no source names one; None makes that an error.

    Raises:
        ContextError: No project, names that are not allowed, or two owners that differ.
    """
    given = [place for name in ("document", *EXPLICIT) if (place := _explicit(sources[name]))]
    project = next((place for place in given if place.entity.project), None)
    owner = next((place for place in given if place.entity.owner), None)
    warning = project.entity.warning if project else None
    is_named = project is not None
    notices: tuple[str, ...] = ()
    if project is None:
        project = _found_project(
            sources, owner, is_managed=is_managed, fallback_project=fallback_project
        )
        owner = owner or (project if project.entity.owner else None)
        owner = owner or _named(sources, ("user",))
    elif owner is None:
        owner = _named(sources, ("instance",) if is_managed else _CURRENT_OWNER)
        notices = () if is_managed else _other_owner(sources, project, owner)
    others = _others(sources, given, is_managed=is_managed, is_named=is_named)
    if owner is None:
        decided_owner, decided_team = default(DEFAULT_OWNER), default(None)
    else:
        decided_owner = _decision(owner.owner(), (place.owner() for place in others))
        # The team goes with its owner: another source's team is another organization's.
        decided_team = _decision(owner.team(), ()) if owner.entity.team else default(None)
    decided_project = _decision(project.project(), (place.project() for place in others))
    warnings = () if warning is None else (warning,)
    return Belonging(decided_owner, decided_team, decided_project, warnings, notices)


def _explicit(source: Source) -> _Place | None:
    owner, project = source.answer("owner"), source.answer("project")
    owner_origin = owner.origin if owner else Origin("argument", "owner")
    project_origin = project.origin if project else Origin("argument", "project")
    read = parse_cached if isinstance(source, CachedFile) else parse
    entity = read(
        str(owner.value) if owner else None,
        str(project.value) if project else None,
        owner_origin=owner_origin,
        project_origin=project_origin,
    )
    if entity == Entity():
        return None
    # `project="acme/mnist"` names the owner too, and is where a person would look for it.
    named_by_project = owner is None
    return _Place(entity, project_origin if named_by_project else owner_origin, project_origin)


def _cached(source: Source) -> _Place | None:
    owner, project = source.answer("owner"), source.answer("project")
    if owner is None and project is None:
        return None
    some = (owner or project).origin  # type: ignore[union-attr]
    owner_origin, project_origin = (a.origin if a else some for a in (owner, project))
    entity = parse_cached(
        str(owner.value) if owner else None,
        str(project.value) if project else None,
        owner_origin=owner_origin,
        project_origin=project_origin,
    )
    return _Place(entity, owner_origin, project_origin)


def _found_project(
    sources: Sources, owner: _Place | None, *, is_managed: bool, fallback_project: str | None
) -> _Place:
    """The project that nobody named: of the run instance, or of the cached project."""
    found: _Place | None = None
    if is_managed:
        found = _cached(sources["instance"])
    else:
        for name in _PROJECT_FILES:
            source = sources[name]
            if not isinstance(source, CachedFile) or source.content() is None:
                continue
            found = _cached(source)
            if found is None or found.entity.project is None:
                raise Origin(source.name, None, str(source.path)).refuse(
                    "the cached project has no name; pass project=... or correct the file"
                )
            break
    if found is None and fallback_project is not None:
        return _Place(Entity(project=fallback_project), Origin("default"), Origin("default"))
    if found is None:
        raise ContextError(_nothing_found(sources, owner))
    if owner and found.entity.owner not in (None, owner.entity.owner):
        raise owner.owner_origin.refuse(
            f"owner {owner.entity.owner!r} is not the owner of the current project "
            f"{found.entity.owner}/{found.entity.project} ({found.project_origin}); "
            "give project=... too"
        )
    return found


def _named(sources: Sources, names: Iterable[SourceId]) -> _Place | None:
    """The first of these sources that names an owner."""
    for name in names:
        place = _cached(sources[name])
        if place and place.entity.owner:
            return place
    return None


def _other_owner(sources: Sources, project: _Place, owner: _Place | None) -> tuple[str, ...]:
    """That the global cached project has another owner than the one that was taken."""
    cached = _readable(sources["global_project"])
    if not (owner and cached and cached.entity.owner) or cached.entity.owner == owner.entity.owner:
        return ()
    mine, theirs = owner.entity.owner, cached.entity.owner
    name = project.entity.project
    return (
        f"Project `{name}` is taken to be of the owner `{mine}` ({owner.owner_origin}), not of "
        f"`{theirs}` ({cached.owner_origin}); pass project='{theirs}/{name}' if that one is meant.",
    )


def _others(
    sources: Sources, given: list[_Place], *, is_managed: bool, is_named: bool
) -> list[_Place]:
    """Everybody who has something to say; who cannot say it properly is left out."""
    files = _CURRENT_OWNER if is_named else (*_PROJECT_FILES, "user")
    names: tuple[SourceId, ...] = ("instance", *files) if is_managed else files
    found = (_readable(sources[name]) for name in names)
    return [*given, *(place for place in found if place)]


def _readable(source: Source) -> _Place | None:
    try:
        return _cached(source)
    except AxonlogError:
        return None


def _decision(winner: Answer, others: Iterable[Answer]) -> Decision:
    lost = [answer for answer in others if answer.value is not None and answer != winner]
    return Decision(winner, tuple(lost))


def _nothing_found(sources: Sources, owner: _Place | None) -> str:
    names: tuple[SourceId, ...] = (*EXPLICIT, "instance", *_PROJECT_FILES)
    looked = "; ".join(sources[name].place("project") for name in names)
    known = f"owner {owner.entity.owner!r} is given, but " if owner else ""
    message = (
        f"{known}no project was found; looked at {looked}. Please pass project='owner/project', "
        f"or cache one with {polyaxon_command('init -p owner/project')}"
    )
    if sources["environment"].answer("run_instance"):
        message += "; POLYAXON_RUN_INSTANCE is set: set POLYAXON_IS_MANAGED=true to use it"
    return message
