"""Clients of a given address, with nothing resolved from anywhere."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from axonlog.client import PolyaxonClient, ProjectClient, RunClient
from axonlog.context import Connection


def client_of(url: str, **connection: Any) -> PolyaxonClient:
    return PolyaxonClient.from_connection(Connection(host=url, **connection))


def run_document(run_uuid: str, **fields: Any) -> dict[str, Any]:
    """What the server needs to register a run, and further fields."""
    created_at = datetime.now(timezone.utc)
    own = {"kind": "job", "runtime": "job", "is_managed": False, "managed_by": "user"}
    return {"uuid": run_uuid, "created_at": created_at, **own, **fields}


def run_of(url: str, **connection: Any) -> RunClient:
    """A run of its own in the project acme/digits, not registered yet."""
    return RunClient("acme", "digits", uuid.uuid4().hex, client_of(url, **connection))


def registered_run(url: str, **fields: Any) -> RunClient:
    """A run that the server knows, in a project that it knows."""
    run = run_of(url)
    ProjectClient(run.owner, run.project, run.client).create(exist_ok=True)
    run.sync(run_document(str(run.run_uuid), **fields))
    return run
