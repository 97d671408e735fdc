"""Take owner and project strings apart: `project`, `owner/project`, `owner/team/project`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from axonlog.context._origin import Origin

_SLUG = re.compile(r"[A-Za-z0-9_-]+")
_NOT_SLUG = re.compile(r"[^A-Za-z0-9_]+")
_MAX_LENGTH = 128  # of a project's name on the server
_SLUG_RULE = "letters, digits, single hyphens and underscores"
# `resnet-1.5`, `bert.v2`: what people call a model rather than an owner and a project.
_VERSION_LIKE = re.compile(r"v?\d\w*", re.IGNORECASE)


@dataclass(frozen=True)
class ProjectPath:
    """What one source says about the place of a run; the parts it does not name are None."""

    owner: str | None = None
    team: str | None = None
    project: str | None = None
    warning: str | None = None


def parse_path(
    owner: str | None, project: str | None, *, owner_origin: Origin, project_origin: Origin
) -> ProjectPath:
    """Read the owner and project strings that one caller gave together.

    A dot means a slash where the project stands alone. With an owner beside it, the project must
    be a plain name, or repeat that owner.

    Raises:
        ContextError: Too many parts, an empty name, a character that no name may have, or an owner
            that is given twice and differs.
    """
    if project is None:
        return _split_owner(owner, owner_origin) if owner else ProjectPath()
    if not owner:
        return _split_project(project, project_origin)
    whose = _split_owner(owner, owner_origin)
    full = f"{owner}/{project}"
    if "." in project and "/" not in project:
        raise project_origin.refuse(
            f"invalid project {project!r} beside {owner_origin}{owner!r}: a project's name may "
            f"hold {_SLUG_RULE}"
        )
    if "/" not in project:
        return ProjectPath(whose.owner, whose.team, _checked("project", project, project_origin))
    named = _split_project(project, project_origin, full=full)
    if named.owner is not None and named.owner != whose.owner:
        raise project_origin.refuse(
            f"two owners in {full!r}: {project_origin}{project!r} names {named.owner!r} and "
            f"{owner_origin}{owner!r} names {whose.owner!r}; give one of them"
        )
    if named.team and whose.team and named.team != whose.team:
        raise project_origin.refuse(
            f"two teams: {project!r} names {named.team!r} and {owner!r} names {whose.team!r}"
        )
    return ProjectPath(whose.owner, whose.team or named.team, named.project)


def parse_cached_path(
    owner: str | None, project: str | None, *, owner_origin: Origin, project_origin: Origin
) -> ProjectPath:
    """Read what a file says: the owner may be ``owner/team``, dots mean nothing.

    Raises:
        ContextError: As for `parse_path`.
    """
    team: str | None = None
    if owner is not None:
        parts = owner.split("/")
        if len(parts) > 2:
            raise owner_origin.refuse(f"invalid owner {owner!r}: expected owner or owner/team")
        owner = _checked("owner", parts[0], owner_origin)
        team = _checked("team", parts[1], owner_origin) if len(parts) == 2 else None
    if project is not None:
        project = _checked("project", project, project_origin)
    return ProjectPath(owner, team, project)


def to_project_name(text: str) -> str | None:
    """``text`` as a project's name that Polyaxon takes; None where nothing is left of it."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_SLUG.sub("-", ascii_only).strip("-")[:_MAX_LENGTH].rstrip("-") or None


def _split_owner(owner: str, origin: Origin) -> ProjectPath:
    parts = owner.replace(".", "/").split("/")
    if len(parts) > 2:
        raise origin.refuse(f"invalid owner {owner!r}: expected owner or owner/team")
    team = _checked("team", parts[1], origin) if len(parts) == 2 else None
    return ProjectPath(_checked("owner", parts[0], origin), team)


def _split_project(project: str, origin: Origin, *, full: str | None = None) -> ProjectPath:
    shown = full or project
    parts = project.replace(".", "/").split("/")
    if len(parts) > 3 or (len(parts) > 2 and not all(parts)):
        raise origin.refuse(
            f"invalid project {shown!r}: expected project, owner/project or owner/team/project"
        )
    if not parts[-1]:
        raise origin.refuse(f"please name the project: {shown!r} has none after its last slash")
    name = _checked("project", parts[-1], origin, within=project)
    # An empty owner, as in `/mnist`, counts as not given.
    owner = None
    if len(parts) > 1 and parts[0]:
        owner = _checked("owner", parts[0], origin, within=project)
    team = _checked("team", parts[1], origin, within=project) if len(parts) == 3 else None
    warning = None
    if owner is not None and "." in project and _VERSION_LIKE.fullmatch(name):
        place = "/".join(part for part in (owner, team, name) if part)
        warning = (
            f"project {project!r} was read as {place!r}: dots separate owner, team and project, "
            "and a project's name cannot hold one"
        )
    return ProjectPath(owner, team, name, warning)


def _checked(what: str, name: str, origin: Origin, *, within: str | None = None) -> str:
    if _SLUG.fullmatch(name) is None or "--" in name:
        where = "" if within in (None, name) else f" in {within!r}"
        raise origin.refuse(f"invalid {what} {name!r}{where}: only {_SLUG_RULE} are allowed")
    return name
