"""Talk to a Polyaxon server: runs, projects, files, over ``requests``."""

from axonlog.context import ClientConfig

from ._error_kinds import is_already_there, is_retryable
from ._models import (
    ArtifactTree,
    EventSeries,
    Lineage,
    ProjectData,
    RunData,
    RunPage,
    RunStatuses,
    StatusCondition,
)
from ._polyaxon_client import PolyaxonClient
from ._project_client import ProjectClient
from ._run_client import RunClient

__all__ = [
    "ArtifactTree",
    "ClientConfig",
    "EventSeries",
    "Lineage",
    "PolyaxonClient",
    "ProjectClient",
    "ProjectData",
    "RunClient",
    "RunData",
    "RunPage",
    "RunStatuses",
    "StatusCondition",
    "is_already_there",
    "is_retryable",
]
