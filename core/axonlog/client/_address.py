"""Which run, of which project, of which owner, on which server."""

from __future__ import annotations

from axonlog.errors import ContextError

from ._polyaxon_client import PolyaxonClient
from ._urls import api_path, streams_path


class ProjectAddress:
    """A project, or the part of it that is known: calls say what they miss."""

    def __init__(
        self, owner: str | None, project: str | None, client: PolyaxonClient | None
    ) -> None:
        if owner is None and project is not None and "/" in project:
            owner, _, project = project.partition("/")
        self.owner = owner
        self.project = project
        self.client = PolyaxonClient() if client is None else client

    def _owner(self) -> str:
        if not self.owner:
            raise ContextError("no owner: pass owner=... or project='owner/name'")
        return self.owner

    def _project(self) -> str:
        if not self.project:
            raise ContextError("no project: pass project=... or project='owner/name'")
        return self.project

    def _project_path(self, *below: str) -> str:
        return api_path(self._owner(), self._project(), *below)


class RunAddress(ProjectAddress):
    """A run, or the part of its address that is known."""

    def __init__(
        self,
        owner: str | None,
        project: str | None,
        run_uuid: str | None,
        client: PolyaxonClient | None,
        *,
        namespace: str,
    ) -> None:
        super().__init__(owner, project, client)
        self.run_uuid = None if run_uuid is None else hex_uuid(run_uuid)
        self.namespace = namespace

    def _run(self) -> str:
        if not self.run_uuid:
            raise ContextError("no run: pass run_uuid=...")
        return self.run_uuid

    def _run_path(self, *below: str) -> str:
        return api_path(*self._run_segments(), *below)

    def _files_path(self, *below: str) -> str:
        return streams_path(self.namespace, *self._run_segments(), *below)

    def _run_segments(self) -> tuple[str, ...]:
        return self._owner(), self._project(), "runs", self._run()


def hex_uuid(text: str) -> str:
    """A uuid as Polyaxon writes it: 32 hex digits without dashes."""
    return text.replace("-", "").lower()
