"""Decide which server is talked to, with whose token, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from axonlog.context import _values as values
from axonlog.context._model import Connection
from axonlog.context._options import CLIENT_SETTINGS, PRECEDENCE, SETTINGS
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._precedence import Decision, Sources, decide, default
from axonlog.errors import AxonlogError, ContextError

_EXPLICIT_SOURCES = ("trainer config", "client")
_CACHED_SOURCES = ("global cache", "shared cache")
_NO_ANSWER = Origin("default")


@dataclass(frozen=True)
class Server:
    """The server of a run: the decisions that are shown, and all of them as one `Connection`."""

    host: Decision
    token: Decision
    timeout: Decision
    verify_ssl: Decision
    connection: Connection
    # The host that the caches and the environment speak of: None when they name none.
    ambient_host: str | None
    warnings: tuple[str, ...]

    @property
    def is_elsewhere(self) -> bool:
        """Whether the caller names another server than the caches belong to."""
        cached = self.ambient_host or str(SETTINGS["host"].default)
        explicit = self.host.origin.source in _EXPLICIT_SOURCES
        return explicit and not values.same_host(self.host.value, cached)

    @property
    def is_cloud(self) -> bool:
        """Whether it is Polyaxon Cloud, which knows no anonymous user."""
        return values.same_host(self.host.value, values.CLOUD_HOST)


def decide_server(sources: Sources, env: Mapping[str, str], *, in_cluster: bool = False) -> Server:
    """Decide host, token and transport.

    Raises:
        ContextError: A setting that is reached makes no sense.
        AuthenticationError: The token cannot be sent.
    """
    host = decide("host", sources)
    if in_cluster and host.origin.source == "default" and "POLYAXON_HOST" in env:
        raise ContextError(
            "no host: POLYAXON_HOST is empty and POLYAXON_K8S_IN_CLUSTER is true; set "
            "POLYAXON_HOST to the address of the gateway or unset it"
        )
    token, warnings = _decide_token(sources, host)
    timeout = decide("timeout", sources)
    verify_ssl = decide("verify_ssl", sources)
    if not verify_ssl.value:
        warnings = (
            *warnings,
            f"TLS certificates are not verified, so anybody on the way can read the token and the "
            f"run: {verify_ssl.origin} is false",
        )
    connection = Connection.model_construct(
        host=host.value,
        token=token.value,
        timeout_s=timeout.value or None,
        verify_ssl=verify_ssl.value,
        pool_maxsize=decide("connection_pool_maxsize", sources).value,
        **{name: decide(name, sources).value for name in _PLAIN},
    )
    ambient = _ambient_host(sources)
    return Server(host, token, timeout, verify_ssl, connection, ambient, warnings)


# The settings that a connection takes over as they are.
_PLAIN = tuple(
    name
    for name in CLIENT_SETTINGS
    if name in Connection.model_fields and name not in ("host", "token", "verify_ssl")
)


def _decide_token(sources: Sources, host: Decision) -> tuple[Decision, tuple[str, ...]]:
    """Take the first token that may go to this host.

    A token was issued for one host. It is not sent to another one that the caller names, and it
    is sent with a warning to another one that the environment names.
    """
    found: list[Answer] = []
    warnings: list[str] = []
    for name in PRECEDENCE["token"]:
        try:
            answer = sources[name].answer("token")
        except AxonlogError:
            if not found:
                raise
            continue
        if answer is None:
            continue
        if found:
            found.append(answer)
            continue
        decision = _token_at(answer.origin, host, sources)
        if decision is not None:
            may_go, warning = decision
            warnings.append(warning)
            if not may_go:
                continue
        found.append(answer)
    if not found:
        return default(None), tuple(warnings)
    winner = found[0]
    if isinstance(winner.value, SecretStr) and not winner.value.get_secret_value():
        winner = Answer(None, winner.origin)  # told to send none
    return Decision(winner, tuple(found[1:])), tuple(warnings)


def _token_at(token: Origin, host: Decision, sources: Sources) -> tuple[bool, str] | None:
    """Whether a token from there may go to ``host``, and a warning; None: nothing to say."""
    if token.source == "client" or host.origin.source == "default":
        return None
    explicit = host.origin.source in _EXPLICIT_SOURCES
    cached = token.source in _CACHED_SOURCES
    if cached:
        issued_for = _host_of(("client_file", "shared_client_file"), sources)
        if issued_for is None and explicit:
            issued_for = _host_of(("environment",), sources)
    else:
        issued_for = _host_of(("environment",), sources)
    if issued_for is None:
        if cached and explicit:
            return True, (
                f"the cached token ({token}) is sent to {host.value}, which {host.origin} names: "
                "nothing says which host it was issued for; give the token with the host"
            )
        return None
    if values.same_host(issued_for, host.value):
        return None
    told = f"the token ({token}) belongs to {issued_for}"
    if cached and explicit:
        return False, f"{told} and is not sent to {host.value}; give the token with the host"
    return True, (
        f"{told} and is sent to {host.value}, which {host.origin} names; "
        "give a token of that host, or the token `no-auth`"
    )


def _host_of(names: tuple[SourceId, ...], sources: Sources) -> str | None:
    try:
        found = decide("host", sources, among=names)
    except AxonlogError:
        return None
    return None if found.origin == _NO_ANSWER else found.value


def _ambient_host(sources: Sources) -> str | None:
    return _host_of(("environment", "client_file", "shared_client_file"), sources)
