"""Ask for credentials before any request, where a server cannot do without them."""

from __future__ import annotations

import json
from pathlib import Path

from axonlog.context import _values as values
from axonlog.context._advice import polyaxon_command
from axonlog.context._precedence import Sources
from axonlog.context._project import RunProject
from axonlog.context._server import Server
from axonlog.context._sources import UserFile
from axonlog.errors import AuthenticationError, AxonlogError

_WITH_USERS = {"ee": "Polyaxon EE", "cloud": "Polyaxon Cloud"}


def require_user(
    server: Server, run_project: RunProject, sources: Sources, cli_file: Path | None
) -> None:
    """Make sure that somebody is logged in where the installation has users.

    Raises:
        AuthenticationError: Nobody is, or nothing tells whose project this is.
    """
    kind = _WITH_USERS["cloud"] if server.is_cloud else _recorded(server, cli_file)
    if kind is None:
        return
    has_token = server.connection.token is not None
    nameless = run_project.owner.origin.source == "default"
    if not has_token and (server.is_cloud or not _has_user(sources)):
        about = "; the owner of the project is unknown too" if nameless else ""
        raise AuthenticationError(
            f"nobody is logged in to {kind} at {server.host.value} ({server.host.origin})"
            f"{about}: set POLYAXON_AUTH_TOKEN, run {polyaxon_command('login')}, "
            "or pass client=PolyaxonClient(token=...)"
        )
    if nameless:
        raise AuthenticationError(
            f"no owner for project {run_project.project.value!r} on {kind} at {server.host.value}: "
            f"pass project='owner/{run_project.project.value}', or log in so that the organization "
            f"is known ({polyaxon_command('login')})"
        )


def _recorded(server: Server, cli_file: Path | None) -> str | None:
    """The kind of installation that the command line recorded, if it speaks of this server."""
    if cli_file is None or server.is_elsewhere:
        return None
    if server.ambient_host and not values.same_host(server.ambient_host, server.host.value):
        return None
    try:
        recorded = json.loads(cli_file.read_text(encoding="utf-8-sig"))
        return _WITH_USERS.get(recorded["installation"]["dist"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is a hint, and the command line's own business


def _has_user(sources: Sources) -> bool:
    source = sources["user"]
    try:
        content = source.content() if isinstance(source, UserFile) else None
    except AxonlogError:
        return False
    return bool(content and (content.get("username") or content.get("organization")))
