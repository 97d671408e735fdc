"""Sentences for people who want to see what was taken from a cache."""

from __future__ import annotations

from axonlog.context._project import DEFAULT_OWNER, RunProject

_FROM_FILES = ("local cache", "global cache", "run directory")


def cache_notices(run_project: RunProject) -> tuple[str, ...]:
    """What of the run's place was read from a file, and from which."""
    owner, project = run_project.owner, run_project.project
    owner_file = owner.origin.path if owner.origin.source in _FROM_FILES else None
    project_file = project.origin.path if project.origin.source in _FROM_FILES else None
    if project_file and owner_file == project_file:
        return (f"Using cached project `{run_project.place()}` from `{project_file}`.",)
    notices = []
    if owner_file:
        notices.append(f"Using cached owner `{owner.value}` from `{owner_file}`.")
    if project_file:
        notices.append(f"Using cached project `{project.value}` from `{project_file}`.")
    return tuple(notices)


def default_owner_warning(run_project: RunProject) -> tuple[str, ...]:
    """That nobody named an owner: harmless where there is only one, wrong elsewhere."""
    if run_project.owner.origin.source != "default":
        return ()
    return (
        f"no owner is known, so the run belongs to {DEFAULT_OWNER!r}: pass "
        f"project='owner/{run_project.project.value}' if that is not right",
    )
