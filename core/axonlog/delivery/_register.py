"""Make a run known to the server under the uuid that it already has."""

from __future__ import annotations

from datetime import datetime, timezone

from axonlog.client import ProjectClient, RunClient, is_already_there
from axonlog.errors import ServerError
from axonlog.store import RunRecord


def register(client: RunClient, record: RunRecord) -> bool:
    """Register the run; a missing project is created.

    Returns:
        Whether the server did not know the run before.

    Raises:
        TransportError: The server did not answer.
        ServerError: It refuses the run, or the project cannot be created.
    """
    created_at = record.created_at or datetime.now(timezone.utc)
    body = {
        "uuid": record.uuid,
        "kind": record.kind,
        "runtime": record.runtime,
        "created_at": created_at.isoformat(),
        "is_managed": record.is_managed,
        "managed_by": record.managed_by,
        "name": record.name,
        "description": record.description,
        "tags": record.tags,
    }
    given = {key: value for key, value in body.items() if value is not None}
    try:
        client.sync(given)
    except ServerError as error:
        if is_already_there(error):
            return False
        if error.status != 404 or not client.project:
            raise
        ProjectClient(client.owner, client.project, client.client).create(exist_ok=True)
        client.sync(given)
    return True
