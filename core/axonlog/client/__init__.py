"""Talk to a Polyaxon server: runs, projects, files, over ``requests``."""

from axonlog.context import ClientConfig

from ._failures import is_already_there, is_retryable
from ._models import (
    ArtifactTree,
    EventSeries,
    Lineage,
    ProjectData,
    RunData,
    RunPage,
    RunRegistration,
    RunStatuses,
    StatusCondition,
)
from ._project import ProjectClient
from ._run import RunClient
from ._transport import PolyaxonClient

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
    "RunRegistration",
    "RunStatuses",
    "StatusCondition",
    "is_already_there",
    "is_retryable",
]
