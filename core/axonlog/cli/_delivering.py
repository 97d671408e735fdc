"""What the command needs of the delivery and the journal, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axonlog.client import PolyaxonClient, RunClient
from axonlog.context import Connection
from axonlog.delivery import Delivery
from axonlog.errors import AxonlogError, TransportError
from axonlog.store import EventWriter, RunDirectory


@dataclass(frozen=True)
class Progress:
    """How far a delivery is.

    ``trouble`` says why it is not going on; ``is_server_away`` that this is not about the run.
    """

    sent: int = 0
    pending: int = 0
    failed: int = 0
    bytes_sent: int = 0
    pending_bytes: int = 0
    trouble: str | None = None
    is_server_away: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the server has everything."""
        return not (self.pending or self.failed)


def deliver(
    path: Path, client: RunClient, *, wait_s: float, tell: Callable[[Progress], None]
) -> Progress:
    """Send what the server does not have of the run in ``path``; never raises for the server."""
    delivery = _delivery_of(path, client)
    before = delivery.pending()
    trouble: AxonlogError | None = None
    try:
        delivery.step(final=True)
    except AxonlogError as error:
        trouble = error
    after = delivery.pending()
    done = Progress(
        sent=before.files + before.changes - after.files - after.changes,
        pending=after.files + after.changes,
        bytes_sent=before.size_bytes - after.size_bytes,
        pending_bytes=after.size_bytes,
        trouble=str(trouble) if trouble else None,
        is_server_away=isinstance(trouble, TransportError),
    )
    tell(done)
    return done


def waiting(path: Path, destination: str | None) -> Progress:
    """What is still to be sent, told from the directory alone."""
    host, owner, project = (destination or "//").rsplit("/", 2)
    client = PolyaxonClient.from_connection(Connection(host=host))
    pending = _delivery_of(path, RunClient(owner, project, client=client)).pending()
    return Progress(pending=pending.files + pending.changes, pending_bytes=pending.size_bytes)


def _delivery_of(path: Path, client: RunClient) -> Delivery:
    return Delivery(RunDirectory(path), client, adopt=EventWriter().adopt)


def is_alive(path: Path) -> bool:
    return True


def repair(path: Path) -> None:
    return None
