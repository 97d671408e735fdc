"""Resolve the context of a run: put the decisions together, in the order they need each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from axonlog.context._collecting import decide_collecting
from axonlog.context._directory import decide_store, outputs_path
from axonlog.context._environment import Environment
from axonlog.context._installation import require_user
from axonlog.context._locate import LocatedRun, locate_offline, locate_online
from axonlog.context._model import Connection, Context
from axonlog.context._notices import cache_notices, default_owner_warning
from axonlog.context._options import (
    PRECEDENCE,
    READERS,
    SETTINGS,
    ClientConfig,
    RunOptions,
    takes_run_options,
)
from axonlog.context._places import SourceSet, build_sources
from axonlog.context._precedence import Decision, decide, default
from axonlog.context._server import Server, decide_server
from axonlog.context._setting import Setting
from axonlog.context._sources import Client, EnvironmentVariables, Silent
from axonlog.context._values import flag
from axonlog.errors import AxonlogError

if TYPE_CHECKING:
    from typing_extensions import Unpack

_NOT_MANAGED = "the variable POLYAXON_RUN_INSTANCE (read only when POLYAXON_IS_MANAGED is true)"
# Settings that depend on nothing but their own sources.
_PLAIN = tuple(
    name
    for name in Context.model_fields
    if name in SETTINGS
    and name
    not in (
        "host",
        "token",
        "owner",
        "project",
        "run_uuid",
        "is_new",
        "artifacts_path",
        "collect_artifacts",
        "collect_resources",
        "has_process_sidecar",
        "timeout",
        "verify_ssl",
    )
)


@takes_run_options()
def resolve(*in_order: Any, **options: Unpack[RunOptions]) -> Context:
    """Find out where a run belongs and how it is tracked, and from which source each answer is.

    Reads the environment and the files of the Polyaxon command line now; opens no socket, writes
    and deletes nothing. A run that is to be created gets its uuid here. An argument that is given
    wins, at its default too; one that is left out, or None, leaves it to the other sources.

    Raises:
        ContextError: Something is missing, wrong or contradictory; the message names the place.
        AuthenticationError: The installation has users, and nobody is logged in.
    """
    arguments: dict[str, Any] = {**options}
    client, config = arguments.pop("client", None), arguments.pop("config", None)
    return resolve_in(Environment.current(), arguments, client=client, config=config)


def searched_places(field: str) -> list[str]:
    """Every place in which ``field`` is looked for, the one that decides first."""
    sources = build_sources(Environment.current(), arguments={}, client=Client(None)).sources
    return [sources[name].place(field) for name in PRECEDENCE[field]]


def resolve_connection(
    config: ClientConfig | None = None, token: str | SecretStr | None = None
) -> Connection:
    """What a client built by hand talks to: what it was given, else as for a run.

    Raises:
        ContextError: A setting that is reached makes no sense.
        AuthenticationError: The token cannot be sent.
    """
    return _decide_server(Client.of(config, token)).connection


def resolve_host() -> Setting[str]:
    """The server that a client without settings of its own talks to, and who names it.

    Raises:
        ContextError: A setting that is reached makes no sense.
        AuthenticationError: The token cannot be sent.
    """
    return _decide_server(Client(None)).host.setting(Setting[str])


def _decide_server(client: Client) -> Server:
    environment = Environment.current()
    source_set = build_sources(environment, arguments={}, client=client)
    in_cluster = decide("in_cluster", source_set.sources)
    return decide_server(source_set.sources, environment.env, in_cluster=in_cluster.value)


def resolve_in(
    environment: Environment,
    arguments: Mapping[str, object],
    *,
    client: object | None = None,
    config: object = None,
) -> Context:
    """Resolve from given environment; see `resolve`.

    Raises:
        ContextError: As for `resolve`.
        AuthenticationError: As for `resolve`.
    """
    try:
        source_set = build_sources(
            environment, arguments=arguments, client=Client(client), config=config
        )
        no_op = decide("no_op", source_set.sources)
    except AxonlogError:
        # Whoever switched tracking off does not want to hear what is wrong with it.
        no_op = decide(
            "no_op", {"environment": EnvironmentVariables(environment)}, among=["environment"]
        )
        if not no_op.value:
            raise
    if no_op.value:
        return _no_op_context(no_op)
    return _resolve_run(environment, source_set)


def _resolve_run(environment: Environment, source_set: SourceSet) -> Context:
    sources = source_set.sources
    plain = {name: decide(name, sources) for name in _PLAIN}
    is_managed, is_offline = (bool(plain[name].value) for name in ("is_managed", "is_offline"))
    if not is_managed:
        sources = {**sources, "instance": Silent(_NOT_MANAGED)}
    server = decide_server(sources, environment.env, in_cluster=bool(plain["in_cluster"].value))
    if is_offline:
        located = locate_offline(sources, environment, is_managed=is_managed)
    else:
        located = locate_online(sources, environment, server, is_managed=is_managed)
        require_user(server, located.run_project, sources, source_set.cli_file)
    run_decisions = _run_decisions(located, environment)
    collecting = decide_collecting(
        sources,
        is_new=bool(located.run.is_new.value),
        is_offline=is_offline,
    )
    invented = default_owner_warning(located.run_project) if plain["log_context"].value else ()
    return _context(
        {
            **plain,
            **run_decisions,
            "host": server.host,
            "token": server.token,
            "timeout": server.timeout,
            "verify_ssl": server.verify_ssl,
            "collect_artifacts": collecting.artifacts,
            "collect_resources": collecting.resources,
            "has_process_sidecar": collecting.has_process_sidecar,
        },
        server.connection,
        warnings=(*source_set.warnings, *server.warnings, *located.warnings, *invented),
        notices=(
            *cache_notices(located.run_project),
            *located.run_project.notices,
            *located.run.notices,
        ),
    )


def _run_decisions(located: LocatedRun, environment: Environment) -> dict[str, Decision]:
    return {
        "owner": located.run_project.owner,
        "team": located.run_project.team,
        "project": located.run_project.project,
        "run_uuid": located.run.run_uuid,
        "is_new": located.run.is_new,
        "artifacts_path": located.directory,
        "outputs_path": outputs_path(located.directory),
        "store_path": decide_store(located.directory, located.run.run_uuid.value, environment),
    }


def _no_op_context(no_op: Decision) -> Context:
    """A context of a run that does nothing: nothing was asked, and so nothing can be wrong."""
    nothing = {
        name: default(False if READERS.get(name) is flag else None)
        for name in Context.model_fields
        if name not in ("warnings", "notices", "connection")
    }
    host = SETTINGS["host"].default
    known = {"host": default(host), "verify_ssl": default(True), "tags": default(())}
    return _context({**nothing, **known, "no_op": no_op}, Connection(host=str(host)))


def _context(
    decisions: Mapping[str, Decision],
    connection: Connection,
    *,
    warnings: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
) -> Context:
    # The readers have checked every value: a second check would first have to build the schemas
    # of all models, which takes longer than to resolve.
    fields: dict[str, Any] = {
        name: made.setting(Context.setting_type(name)) for name, made in decisions.items()
    }
    return Context.model_construct(
        connection=connection, warnings=warnings, notices=notices, **fields
    )
