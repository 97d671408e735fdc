"""Resolve the context of a run: put the decisions together, in the order they need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from pydantic import SecretStr

from axonlog.context._client_config import ClientConfig
from axonlog.context._collecting import decide_collecting
from axonlog.context._directory import decide_store, outputs_path
from axonlog.context._finding import Found, find_offline, find_online
from axonlog.context._given import absent_unless_given
from axonlog.context._installation import require_user
from axonlog.context._model import Connection, Context
from axonlog.context._notices import cache_notices, invented_owner
from axonlog.context._places import Places, find_places
from axonlog.context._precedence import PRECEDENCE, Decision, decide, default
from axonlog.context._server import decide_server
from axonlog.context._sources import Client, Environment, Silent
from axonlog.context._surroundings import Surroundings
from axonlog.context._values import DEFAULT_HOST
from axonlog.errors import AxonlogError

_SWITCHES = ("in_cluster", "debug", "is_managed", "is_offline")
_BEHAVIOUR = ("strict", "log_context")
_NOT_COLLECTED = (
    "is_new",
    "collect_artifacts",
    "collect_resources",
    "has_process_sidecar",
    "refresh_data",
    *_BEHAVIOUR,
)
_NOT_SETTINGS = ("warnings", "notices", "connection")
_NOT_MANAGED = "the variable POLYAXON_RUN_INSTANCE (read only when POLYAXON_IS_MANAGED is true)"
_TRACKED = ("track_code", "track_env", "track_logs")


@absent_unless_given
def resolve(
    owner: str | None = None,
    project: str | None = None,
    run_uuid: str | None = None,
    client: object | None = None,
    track_code: bool = True,
    track_env: bool = True,
    track_logs: bool = True,
    refresh_data: bool = False,
    artifacts_path: str | PathLike[str] | None = None,
    collect_artifacts: bool | str | None = None,
    collect_resources: bool | str | None = None,
    is_offline: bool | None = None,
    is_new: bool | None = None,
    name: str | None = None,
    description: str | None = None,
    tags: str | Iterable[str] | None = None,
    *,
    no_op: bool | None = None,
    log_context: bool = False,
    config: object = None,
    strict: bool = False,
) -> Context:
    """Find out where a run belongs and how it is tracked, and from which source each answer is.

    Reads the environment and the files of the Polyaxon command line now; opens no socket, writes
    and deletes nothing. A run that is to be created gets its uuid here. An argument that is given
    wins, at its default too; one that is left out, or None, leaves it to the other sources.

    Args:
        owner: The user or organization, or ``owner/team``.
        project: ``project``, ``owner/project`` or ``owner/team/project``.
        run_uuid: The run to resume; 32 hexadecimal digits, hyphens are ignored.
        client: A `PolyaxonClient` or a `RunClient`; what it leaves out is resolved as usual.
        track_code: Whether to record the code version.
        track_env: Whether to record the environment.
        track_logs: Not built yet: the capture of console output.
        refresh_data: Whether to fetch a resumed run's data from the server.
        artifacts_path: The run's directory, exactly.
        collect_artifacts: Whether to keep event files.
        collect_resources: Not built yet: the sampling of processor and memory.
        is_offline: True: no server is asked.
        is_new: True: create a run, whatever is cached.
        name: The run's name.
        description: The run's description.
        tags: A list, or one text with commas.
        no_op: True: track nothing at all.
        log_context: Also warn when nobody named an owner.
        config: The trainer's configuration: a mapping, a dataclass, a pydantic model, a namespace
            or the path of a YAML or JSON file; our keys at the top or under ``tracking``,
            ``axonlog`` or ``polyaxon``.
        strict: Raise where otherwise the run would warn and go on locally; kept for the run.

    Raises:
        ContextError: Something is missing, wrong or contradictory; the message names the place.
        AuthenticationError: The installation has users, and nobody is logged in.
    """
    arguments = {
        "owner": owner,
        "project": project,
        "run_uuid": run_uuid,
        "artifacts_path": artifacts_path,
        "collect_artifacts": collect_artifacts,
        "collect_resources": collect_resources,
        "is_offline": is_offline,
        "is_new": is_new,
        "name": name,
        "description": description,
        "tags": tags,
        "no_op": no_op,
        "refresh_data": refresh_data,
        "strict": strict,
        "log_context": log_context,
        "track_code": track_code,
        "track_env": track_env,
        "track_logs": track_logs,
    }
    return resolve_in(Surroundings.current(), arguments, client=client, config=config)


def places_of(field: str) -> list[str]:
    """Every place in which ``field`` is looked for, the one that decides first."""
    sources = find_places(Surroundings.current(), arguments={}, client=Client(None)).sources
    return [sources[name].place(field) for name in PRECEDENCE[field]]


def resolve_connection(
    config: ClientConfig | None = None, token: str | SecretStr | None = None
) -> Connection:
    """What a client built by hand talks to: what it was given, else as for a run.

    Raises:
        ContextError: A setting that is reached makes no sense.
        AuthenticationError: The token cannot be sent.
    """
    surroundings = Surroundings.current()
    places = find_places(surroundings, arguments={}, client=Client.of(config, token))
    in_cluster = decide("in_cluster", places.sources, fallback=False)
    server = decide_server(places.sources, surroundings.env, in_cluster=in_cluster.value)
    return server.connection


def resolve_in(
    surroundings: Surroundings,
    arguments: Mapping[str, object],
    *,
    client: object | None = None,
    config: object = None,
) -> Context:
    """Resolve from given surroundings; see `resolve`.

    Raises:
        ContextError: As for `resolve`.
        AuthenticationError: As for `resolve`.
    """
    try:
        places = find_places(
            surroundings, arguments=arguments, client=Client(client), config=config
        )
        no_op = decide("no_op", places.sources, fallback=False)
    except AxonlogError:
        # Whoever switched tracking off does not want to hear what is wrong with it.
        no_op = decide("no_op", {"environment": Environment(surroundings)}, among=["environment"])
        if not no_op.value:
            raise
    if no_op.value:
        return _no_op_context(no_op)
    return _resolve_run(surroundings, places)


def _resolve_run(surroundings: Surroundings, places: Places) -> Context:
    sources = places.sources
    switches = {name: decide(name, sources, fallback=False) for name in _SWITCHES}
    is_managed, is_offline = (bool(switches[name].value) for name in ("is_managed", "is_offline"))
    if not is_managed:
        sources = {**sources, "instance": Silent(_NOT_MANAGED)}
    plain = {name: decide(name, sources) for name in ("name", "description")}
    plain["tags"] = decide("tags", sources, fallback=())
    tracked = {name: decide(name, sources, fallback=True) for name in _TRACKED}
    behaviour = {name: decide(name, sources, fallback=False) for name in _BEHAVIOUR}
    server = decide_server(sources, surroundings.env, in_cluster=bool(switches["in_cluster"].value))
    if is_offline:
        found = find_offline(sources, surroundings, is_managed=is_managed)
    else:
        found = find_online(sources, surroundings, server, is_managed=is_managed)
        require_user(server, found.belonging, sources, places.cli_file)
    run_decisions = _run_decisions(found, surroundings)
    collecting = decide_collecting(
        sources,
        is_new=bool(found.run.is_new.value),
        is_offline=is_offline,
    )
    invented = invented_owner(found.belonging) if behaviour["log_context"].value else ()
    collected = {**tracked, "collect_resources": collecting.resources}
    return _context(
        {
            **switches,
            **plain,
            **collected,
            **behaviour,
            **run_decisions,
            "host": server.host,
            "token": server.token,
            "timeout": server.timeout,
            "verify_ssl": server.verify_ssl,
            "no_op": decide("no_op", sources, fallback=False),
            "collect_artifacts": collecting.artifacts,
            "has_process_sidecar": collecting.has_process_sidecar,
            "refresh_data": decide("refresh_data", sources, fallback=False),
        },
        server.connection,
        warnings=(*places.warnings, *server.warnings, *found.warnings, *invented),
        notices=(
            *cache_notices(found.belonging),
            *found.belonging.notices,
            *found.run.notices,
        ),
    )


def _run_decisions(found: Found, surroundings: Surroundings) -> dict[str, Decision]:
    return {
        "owner": found.belonging.owner,
        "team": found.belonging.team,
        "project": found.belonging.project,
        "run_uuid": found.run.run_uuid,
        "is_new": found.run.is_new,
        "artifacts_path": found.directory,
        "outputs_path": outputs_path(found.directory),
        "store_path": decide_store(found.directory, found.run.run_uuid.value, surroundings),
    }


def _no_op_context(no_op: Decision) -> Context:
    """A context of a run that does nothing: nothing was asked, and so nothing can be wrong."""
    nothing = {name: default(None) for name in Context.model_fields if name not in _NOT_SETTINGS}
    for name in (*_SWITCHES, *_TRACKED, *_NOT_COLLECTED):
        nothing[name] = default(False)
    known = {"host": default(DEFAULT_HOST), "verify_ssl": default(True), "tags": default(())}
    return _context({**nothing, **known, "no_op": no_op}, Connection(host=DEFAULT_HOST))


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
