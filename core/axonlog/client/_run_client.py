"""`RunClient`: one run on the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, get_args

from axonlog.errors import EventError, ServerError
from axonlog.events import Status

from ._address import hex_uuid
from ._error_kinds import is_already_there
from ._models import (
    Lineage,
    LineagePage,
    RunData,
    RunPage,
    RunStatuses,
    StatusCondition,
)
from ._polyaxon_client import PolyaxonClient
from ._run_files import RunFiles

# Entries of a lineage in one answer; the server fails inside at a thousand.
_PAGE = 500


class RunClient(RunFiles):
    """Calls about one run. Building one needs no network, and no project until a call does.

    Every call may raise `TransportError`, `ServerError` or its `RefusedError`, and `ContextError`
    when owner, project or uuid is missing; nothing is retried (see `is_retryable`).

    Attributes:
        client: What sends the requests.
        owner: Given, or the first half of ``project="owner/name"``.
        project: Name without owner.
        run_uuid: 32 hex digits.
        namespace: Part of the address of files and events; Polyaxon CE ignores it.
    """

    def __init__(
        self,
        owner: str | None = None,
        project: str | None = None,
        run_uuid: str | None = None,
        client: PolyaxonClient | None = None,
        *,
        namespace: str = "polyaxon",
    ) -> None:
        super().__init__(owner, project, run_uuid, client, namespace=namespace)

    def __repr__(self) -> str:
        return f"RunClient({self.owner}/{self.project}/{self.run_uuid}, {self.client!r})"

    def sync(self, body: Mapping[str, Any], *, exist_ok: bool = False) -> RunData:
        """Register a run under the uuid in ``body``, and return the server's view of it.

        Args:
            body: The run document; ``uuid``, ``kind``, ``created_at`` and ``is_managed`` are
                required.
            exist_ok: Return the run, unchanged, if it is registered already. Without it that is
                a 400 for which `is_already_there` is true.

        Raises:
            ServerError: Among others: the answer is about no run, or about another one.
        """
        wanted = hex_uuid(str(body.get("uuid") or self._run()))
        try:
            answer = self.client.request(
                "POST", self._project_path("runs", "sync"), body={**body, "uuid": wanted}
            )
        except ServerError as error:
            if exist_ok and is_already_there(error):
                return RunClient(self.owner, self.project, wanted, self.client).get()
            raise
        run = answer.parse(RunData)
        if run.uuid != wanted:
            raise answer.unexpected(f"uuid {run.uuid!r} instead of {wanted!r}")
        return run

    def get(self) -> RunData:
        """The run as it is on the server."""
        return self.client.request("GET", self._run_path()).parse(
            RunData, sent={"uuid": self._run()}
        )

    def update(self, *, merge: bool = True, **fields: Any) -> RunData:
        """Change fields of the run, and return it whole.

        Args:
            merge: Merge mappings and tags into what is there; else they replace it.
            **fields: ``inputs``, ``outputs``, ``tags``, ``meta_info``, ``name``,
                ``description``, ``readme``; the server accepts and ignores any other.
        """
        body = {**fields, **({"merge": True} if merge else {})}
        return self.client.request("PATCH", self._run_path(), body=body).parse(
            RunData, sent={"uuid": self._run()}
        )

    def list(
        self,
        *,
        limit: int = 20,
        offset: int = 0,
        sort: str = "-created_at",
        query: str | None = None,
    ) -> RunPage:
        """One page of the project's runs.

        Args:
            limit: At most 100.
            offset: Number of runs to pass over.
            sort: A field, descending with a ``-``; also ``metrics.loss`` and the like.
            query: Polyaxon's language: ``status:running, metrics.loss:<1``.
        """
        params: dict[str, str | int | bool] = {"limit": limit, "offset": offset, "sort": sort}
        if query:
            params["query"] = query
        return self.client.request("GET", self._project_path("runs"), params=params).parse(RunPage)

    def log_status(
        self,
        type: Status,
        reason: str | None = None,
        message: str | None = None,
        *,
        last_update_time: datetime | None = None,
        last_transition_time: datetime | None = None,
        force: bool = False,
    ) -> None:
        """Add a condition to the run's history; it becomes its status.

        After a final status the server accepts another one and ignores it, unless ``force``.

        Raises:
            EventError: There is no such status. The server would answer as if it had failed.
        """
        if type not in get_args(Status):
            raise EventError(f"no such status: {type!r}; one of {', '.join(get_args(Status))}")
        moment = last_update_time or datetime.now(timezone.utc)
        condition = StatusCondition(
            type=type,
            reason=reason,
            message=message,
            last_update_time=moment,
            last_transition_time=last_transition_time or moment,
        )
        body = {"condition": condition, **({"force": True} if force else {})}
        answer = self.client.request("POST", self._run_path("statuses"), body=body)
        answer.expect_no_page()

    def get_statuses(self) -> RunStatuses:
        """The run's status and history."""
        return self.client.request("GET", self._run_path("statuses")).parse(RunStatuses)

    def log_lineage(self, artifacts: Iterable[Lineage | Mapping[str, Any]]) -> None:
        """Add artifacts to the run's lineage; one of the same name is replaced."""
        body = {"artifacts": tuple(map(_lineage_entry, artifacts))}
        answer = self.client.request("POST", self._run_path("lineage", "artifacts"), body=body)
        answer.expect_no_page()

    def get_lineage(self) -> tuple[Lineage, ...]:
        """All artifacts of the run's lineage."""
        path = self._run_path("lineage", "artifacts")
        found: tuple[Lineage, ...] = ()
        while True:
            params: dict[str, str | int | bool] = {"limit": _PAGE, "offset": len(found)}
            page = self.client.request("GET", path, params=params).parse(LineagePage)
            found += page.results
            if page.next is None or not page.results:
                return found


def _lineage_entry(artifact: Lineage | Mapping[str, Any]) -> dict[str, Any]:
    entry = artifact.model_dump() if isinstance(artifact, Lineage) else dict(artifact)
    # Without a summary the server fails inside, which looks as if trying again could help.
    return {**entry, "summary": entry.get("summary") or {}}
