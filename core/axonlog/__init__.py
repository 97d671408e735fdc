"""Bring training runs into Polyaxon, or into a local directory when no server is there.

    import axonlog

    axonlog.init(project="acme/digits")
    axonlog.log_metrics(loss=0.3, step=1)
    axonlog.end()

Everything of ``axonlog.tracking`` is here too, and is imported when it is first asked for: a
script that only imports axonlog pays for nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from axonlog._version import __version__

if sys.platform == "win32":
    raise ImportError(
        "axonlog needs Linux or macOS: it locks files with fcntl, which Windows does not have; "
        "run the training in WSL (Windows Subsystem for Linux)"
    )

if TYPE_CHECKING:
    from axonlog import client, context, errors, integration, tracking
    from axonlog.tracking import (
        TRACKING_RUN,
        Run,
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

__all__ = [
    "TRACKING_RUN",
    "Run",
    "__version__",
    "client",
    "context",
    "end",
    "errors",
    "get_artifacts_path",
    "get_or_create_run",
    "get_outputs_path",
    "init",
    "integration",
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
    "tracking",
]

_SUBMODULES = frozenset({"client", "context", "errors", "integration", "tracking"})


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"axonlog.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'axonlog' has no attribute {name!r}")
    value: object = getattr(import_module("axonlog.tracking"), name)
    if name != "TRACKING_RUN":  # that one changes
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
