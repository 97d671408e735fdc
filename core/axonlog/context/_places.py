"""Build the sources from the environment and the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from axonlog.context import _values as values
from axonlog.context._environment import Environment
from axonlog.context._files import belongs_to_another_user, read_mapping
from axonlog.context._origin import Origin, SourceId
from axonlog.context._precedence import Sources
from axonlog.context._sources import (
    Arguments,
    AuthFile,
    CachedFile,
    Client,
    ClientFile,
    EnvironmentVariables,
    ProjectFile,
    RunFile,
    RunInstance,
    Silent,
    Source,
    Trainer,
    UserFile,
)
from axonlog.context._trainer_config import read_trainer_config

_DIRECTORY = ".polyaxon"
_CONTEXT_ROOT = "/plx-context"


def context_root(environment: Environment) -> str:
    """Where Polyaxon mounts what belongs to a managed run."""
    given = environment.variable("POLYAXON_CONTEXT_ROOT")
    return environment.absolute(given) if given else _CONTEXT_ROOT


def global_directory(environment: Environment) -> Path:
    """The user's `.polyaxon`: below POLYAXON_HOME, the `.home` file's path, or the home.

    Raises:
        CacheError: The `.home` file cannot be used.
    """
    moved = environment.variable("POLYAXON_HOME")
    if moved is None:
        own = environment.home / _DIRECTORY
        # Reading needs no write access; only a home that never could hold the files is left.
        if not own.is_dir() and not environment.can_write(environment.home):
            own = environment.shared_root / _DIRECTORY
        home_file = own / ".home"
        if belongs_to_another_user(home_file):
            return own
        content = read_mapping(home_file, what="the home setting in") or {}
        key = "POLYAXON_HOME" if content.get("POLYAXON_HOME") is not None else "path"
        moved = values.path(content.get(key), Origin("global cache", key, str(home_file)))
        if moved is None:
            return own
    return Path(environment.absolute(moved.strip())) / _DIRECTORY


@dataclass(frozen=True)
class SourceSet:
    """All sources of one call, and what had to be refused on the way."""

    sources: Sources
    cli_file: Path | None
    warnings: tuple[str, ...]


def build_sources(
    environment: Environment,
    *,
    arguments: Mapping[str, object],
    client: Client,
    config: object = None,
) -> SourceSet:
    """The sources of a call; files are not read before they are asked.

    Raises:
        ContextError: The trainer config, the `.home` file or POLYAXON_NO_CONFIG makes no sense.
    """
    no_config = _no_config(environment)
    own = global_directory(environment)
    common = environment.shared_root / _DIRECTORY
    guard = _Guard(common)
    project = ProjectFile("global cache", own / ".project", "the cached project in")
    run = RunFile("global cache", own / ".run", "the cached run in")
    # In the home itself the local and the global files are the same ones.
    is_home = environment.cwd is not None and environment.cwd / _DIRECTORY == own
    sources: dict[SourceId, Source] = {
        "argument": Arguments(arguments),
        "trainer": Trainer(read_trainer_config(config, environment)),
        "client": client,
        "document": Silent("the run's directory"),
        "instance": RunInstance(environment),
        "environment": EnvironmentVariables(environment, no_config=no_config),
        "global_project": Silent("the same file, globally") if is_home else guard(project),
        "global_run": Silent("the same file, globally") if is_home else guard(run),
        "user": guard(UserFile("global cache", own / ".user", "the cached user in")),
        **_local_files(environment.cwd, guard),
        **_client_files(own, common, context_root(environment), guard, off=no_config),
    }
    return SourceSet(sources, None if no_config else own / ".cli", tuple(guard.refused))


def _no_config(environment: Environment) -> bool:
    name = "POLYAXON_NO_CONFIG"
    return values.flag(environment.env.get(name), Origin("environment", name)) or False


def _local_files(cwd: Path | None, guard: _Guard) -> dict[SourceId, Source]:
    if cwd is None:
        gone = Silent("the working directory, which has been removed")
        return {"local_project": gone, "local_run": gone}
    local = cwd / _DIRECTORY
    return {
        "local_project": guard(
            ProjectFile("local cache", local / ".project", "the cached project in")
        ),
        "local_run": guard(RunFile("local cache", local / ".run", "the cached run in")),
    }


def _client_files(
    own: Path, common: Path, mounted: str, guard: _Guard, *, off: bool
) -> dict[SourceId, Source]:
    if off:
        silent = Silent("the client's files, switched off by POLYAXON_NO_CONFIG")
        return {
            "client_file": silent,
            "shared_client_file": silent,
            "auth_file": silent,
            "shared_auth_file": silent,
            "mounted_auth": silent,
        }
    return {
        "client_file": guard(ClientFile("global cache", own)),
        "shared_client_file": guard(ClientFile("shared cache", common)),
        "auth_file": guard(AuthFile("global cache", own)),
        "shared_auth_file": guard(AuthFile("shared cache", common)),
        "mounted_auth": AuthFile("in-cluster", Path(mounted) / ".configs"),
    }


class _Guard:
    """Silences files that another user left in the directory everybody can write to."""

    def __init__(self, common: Path) -> None:
        self._common = common
        self.refused: list[str] = []

    def __call__(self, source: CachedFile) -> Source:
        if source.path.parent != self._common or not belongs_to_another_user(source.path):
            return source
        warning = (
            f"{source.path} is ignored: it belongs to another user, who could send the run and "
            "its token elsewhere"
        )
        if warning not in self.refused:
            self.refused.append(warning)
        return Silent(f"{source.path} (belongs to another user)")
