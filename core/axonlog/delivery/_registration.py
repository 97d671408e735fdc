"""Make a run known to the server under the uuid that it already has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from axonlog.client import ProjectClient, RunClient, is_already_there, is_retryable
from axonlog.errors import RefusedError, ServerError
from axonlog.store import RunRecord

from ._server_name import server_name

_log = logging.getLogger("axonlog")


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
        "name": server_name(record.name) if record.name else None,
        "description": record.description,
        "tags": record.tags,
    }
    given = {key: value for key, value in body.items() if value is not None}
    try:
        return _sync(client, given)
    except ServerError as error:
        if error.status != 404 or not client.project:
            raise
        _create_project(client, error)
        return _sync(client, given)


def _sync(client: RunClient, given: Mapping[str, Any]) -> bool:
    try:
        client.sync(given)
    except ServerError as error:
        if is_already_there(error):
            return False
        raise
    return True


def _create_project(client: RunClient, missing: ServerError) -> None:
    project = ProjectClient(client.owner, client.project, client.client)
    try:
        project.create(exist_ok=True)
    except ServerError as error:
        if isinstance(error, RefusedError) or is_retryable(error):
            raise
        raise ServerError(
            f"{missing}; and project {client.owner}/{client.project} cannot be created: {error}",
            status=missing.status,
            detail=missing.detail,
            method=missing.method,
            url=missing.url,
        ) from error
    _log.info("project %s/%s did not exist and was created", client.owner, client.project)
