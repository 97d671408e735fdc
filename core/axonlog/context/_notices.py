"""Sentences for people who want to see what was taken from a cache."""

from __future__ import annotations

from axonlog.context._belonging import DEFAULT_OWNER, Belonging

_FROM_FILES = ("local cache", "global cache", "run directory")


def cache_notices(belonging: Belonging) -> tuple[str, ...]:
    """What of the run's place was read from a file, and from which."""
    owner, project = belonging.owner, belonging.project
    owner_file = owner.origin.path if owner.origin.source in _FROM_FILES else None
    project_file = project.origin.path if project.origin.source in _FROM_FILES else None
    if project_file and owner_file == project_file:
        return (f"Using cached project `{belonging.place()}` from `{project_file}`.",)
    notices = []
    if owner_file:
        notices.append(f"Using cached owner `{owner.value}` from `{owner_file}`.")
    if project_file:
        notices.append(f"Using cached project `{project.value}` from `{project_file}`.")
    return tuple(notices)


def invented_owner(belonging: Belonging) -> tuple[str, ...]:
    """That nobody named an owner: harmless where there is only one, wrong elsewhere."""
    if belonging.owner.origin.source != "default":
        return ()
    return (
        f"no owner is known, so the run belongs to {DEFAULT_OWNER!r}: pass "
        f"project='owner/{belonging.project.value}' if that is not right",
    )
