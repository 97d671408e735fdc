"""Where a run is to be sent."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from axonlog.client import PolyaxonClient, RunClient
from axonlog.context import ClientConfig, Connection, resolve_connection, resolve_host
from axonlog.delivery import SyncState
from axonlog.errors import ContextError
from axonlog.store import RunDirectory, RunRecord

_STATE_FILE = "delivery.json"
_SLASHES = 2


@dataclass(frozen=True)
class Overrides:
    """What the user says about the destination."""

    host: str | None = None
    owner: str | None = None
    project: str | None = None


def known_destination(path: Path) -> str | None:
    """``host/owner/project`` of a server that has something of the run in ``path``, if one has.

    Raises:
        OSError: The note about it cannot be read.
    """
    try:
        state = SyncState.model_validate_json(
            (RunDirectory(path).private / _STATE_FILE).read_bytes()
        )
    except (FileNotFoundError, ValidationError):
        return None
    is_there = state.is_registered or state.files or state.fields
    is_whole = state.destination.count("/") >= _SLASHES  # somebody may have written into it
    return state.destination if is_there and is_whole else None


class ClientPool:
    """One client, and so one set of connections, for all runs of a server.

    What the environment says is read once.
    """

    def __init__(self) -> None:
        self._by_host: dict[tuple[str | None, str | None], PolyaxonClient] = {}

    def of(self, given: str | None, known: str | None, path: Path) -> PolyaxonClient:
        """The client for a run: see ``run_client``."""
        client = self._by_host.get((given, known))
        if client is None:
            client = PolyaxonClient.from_connection(_connection(given, known, path))
            self._by_host[given, known] = client
        return client

    def is_named(self, given: str | None, known: str | None) -> bool:
        """Whether anybody named the server of such a run, or it is only our default."""
        return bool(given or known) or self._is_host_named

    @functools.cached_property
    def _is_host_named(self) -> bool:
        return resolve_host().source != "default"

    def close(self) -> None:
        """Close the connections."""
        for client in self._by_host.values():
            client.close()


def run_client(
    path: Path, record: RunRecord, overrides: Overrides, clients: ClientPool
) -> RunClient:
    """A client for the place that the run belongs to.

    The user's word first, then the place to which it was sent before, then the owner and project
    of its document on the host of the context.

    Raises:
        ContextError: There is no such place, or nobody would want a token to be sent there.
        AuthenticationError: The token cannot be sent.
    """
    known = known_destination(path)
    host, owner, project = known.rsplit("/", 2) if known else (None, record.owner, record.project)
    if overrides.project:
        # `owner/project` names both; a bare project stays with the owner.
        owner = None if "/" in overrides.project else owner
        project = overrides.project
    client = clients.of(overrides.host, host, path)
    run = RunClient(overrides.owner or owner, project, record.uuid, client)
    if not (run.owner and run.project):
        raise ContextError(
            f"run {record.uuid} in {path} names no project: pass --project owner/project"
        )
    return run


def _connection(given: str | None, known: str | None, path: Path) -> Connection:
    if given:
        return resolve_connection(ClientConfig(host=given))
    ours = resolve_connection()
    if known is None or known == ours.host:
        return ours
    if ours.token or ours.header or ours.cert_file:
        # The directory may come from anywhere: what it says must not decide who gets a token.
        raise ContextError(
            f"the run in {path} was sent to {known}, but your credentials are for {ours.host}: "
            "pass --host with the one that is meant"
        )
    return resolve_connection(ClientConfig(host=known))
