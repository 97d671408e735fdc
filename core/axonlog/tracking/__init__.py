"""Track a run: ``init`` starts it, the ``log_*`` functions record, ``end`` ends it.

``TRACKING_RUN`` is the current run, or None.
"""

from typing import TYPE_CHECKING

from axonlog.events import ArtifactKind as V1ArtifactKind

from ._functions import (
    current_run,
    end,
    get_artifacts_path,
    get_or_create_run,
    get_outputs_path,
    init,
    log_artifact,
    log_code_ref,
    log_env,
    log_failed,
    log_file_ref,
    log_inputs,
    log_meta,
    log_metric,
    log_metrics,
    log_model,
    log_outputs,
    log_progress,
    log_status,
    log_stopped,
    log_succeeded,
    log_tags,
    set_description,
    set_name,
    set_readme,
)
from ._run import Run

if TYPE_CHECKING:
    TRACKING_RUN: Run | None

__all__ = [
    "TRACKING_RUN",
    "Run",
    "V1ArtifactKind",
    "end",
    "get_artifacts_path",
    "get_or_create_run",
    "get_outputs_path",
    "init",
    "log_artifact",
    "log_code_ref",
    "log_env",
    "log_failed",
    "log_file_ref",
    "log_inputs",
    "log_meta",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_outputs",
    "log_progress",
    "log_status",
    "log_stopped",
    "log_succeeded",
    "log_tags",
    "set_description",
    "set_name",
    "set_readme",
]


def __getattr__(name: str) -> object:
    if name == "TRACKING_RUN":
        return current_run()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
