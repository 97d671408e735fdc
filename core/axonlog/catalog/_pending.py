"""What is still to be sent, told from a run's directory alone."""

from __future__ import annotations

from pathlib import Path

from axonlog.client import PolyaxonClient, RunClient
from axonlog.context import Connection
from axonlog.delivery import Delivery, DeliveryReport
from axonlog.store import RunDirectory


def pending_report(path: Path, destination: str | None) -> DeliveryReport:
    """What the server of ``destination`` (``host/owner/project``) does not have; asks nobody.

    Raises:
        AxonlogError: The directory holds something else than a run.
        OSError: It cannot be read.
    """
    host, owner, project = (destination or "//").rsplit("/", 2)
    client = PolyaxonClient.from_connection(Connection(host=host))
    run = RunClient(owner or None, project or None, client=client)
    return Delivery(RunDirectory(path), run).report(is_fresh=True)
