"""Track a run: ``init`` starts it, the ``log_*`` functions record, ``end`` ends it.

``TRACKING_RUN`` is the current run, or None.
"""

from typing import TYPE_CHECKING

from axonlog.events import ArtifactKind as V1ArtifactKind
from axonlog.store import LineageEntry as V1RunArtifact

from . import _run_functions
from ._functions import current_run, get_or_create_run, init, log_metric, log_metrics
from ._run import Run
from ._run_functions import *  # noqa: F403  # a function per method of Run; their names stand there

if TYPE_CHECKING:
    TRACKING_RUN: Run | None

__all__: list[str] = [
    "TRACKING_RUN",
    "Run",
    "V1ArtifactKind",
    "V1RunArtifact",
    "get_or_create_run",
    "init",
    "log_metric",
    "log_metrics",
]
__all__ += _run_functions.__all__


def __getattr__(name: str) -> object:
    if name == "TRACKING_RUN":
        return current_run()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
