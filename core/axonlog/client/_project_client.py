"""`ProjectClient`: one project on the server."""

from __future__ import annotations

from collections.abc import Iterable

from axonlog.errors import ServerError

from ._address import ProjectAddress
from ._error_kinds import is_already_there
from ._models import ProjectData
from ._polyaxon_client import PolyaxonClient
from ._urls import api_path


class ProjectClient(ProjectAddress):
    """Calls about one project. Building one needs no network.

    Every call may raise `TransportError`, `ServerError` or its `RefusedError`, and `ContextError`
    when owner or project is missing.

    Attributes:
        client: What sends the requests.
        owner: Given, or the first half of ``project="owner/name"``.
        project: Name without owner.
    """

    def __init__(
        self,
        owner: str | None = None,
        project: str | None = None,
        client: PolyaxonClient | None = None,
    ) -> None:
        super().__init__(owner, project, client)

    def __repr__(self) -> str:
        return f"ProjectClient({self.owner}/{self.project}, {self.client!r})"

    def create(
        self,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        *,
        exist_ok: bool = False,
    ) -> ProjectData:
        """Create a project.

        Args:
            name: If not that of this client. Letters, digits, hyphens, underscores.
            description: In a sentence.
            tags: Any.
            exist_ok: Return the project, unchanged, if there is one of that name. Without it that
                is a 400 for which `is_already_there` is true.
        """
        name = name or self._project()
        body = {
            "name": name,
            "description": description,
            "tags": None if tags is None else tuple(tags),
        }
        try:
            answer = self.client.request(
                "POST", api_path(self._owner(), "projects", "create"), body=body
            )
        except ServerError as error:
            if exist_ok and is_already_there(error):
                return ProjectClient(self.owner, name, self.client).get()
            raise
        return answer.parse(ProjectData)

    def get(self) -> ProjectData:
        """The project as it is on the server."""
        return self.client.request("GET", self._project_path()).parse(ProjectData)
