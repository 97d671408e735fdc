"""Polyaxon's words, declared once: the statuses of a run, and the names in its directory."""

from __future__ import annotations

from typing import Literal, TypeAlias

Status: TypeAlias = Literal[
    "created", "resuming", "on_schedule", "compiled", "queued", "scheduled", "starting",
    "running", "processing", "stopping", "failed", "stopped", "succeeded", "skipped", "warning",
    "unschedulable", "upstream_failed", "retrying", "unknown", "done",
]  # fmt: skip

# After one of these nothing is expected any more.
FINAL_STATUSES: frozenset[str] = frozenset(
    {"failed", "stopped", "succeeded", "skipped", "upstream_failed", "done"}
)

RUN_DOCUMENT = "run.plx.json"
LINEAGE = "lineages.plx.json"
EVENTS = "events"
ASSETS = "assets"
OUTPUTS = "outputs"
RESOURCES = "resources"
EVENT_FILE_SUFFIX = ".plx"

# Not Polyaxon's: the folder of a run that only axonlog reads, and the folder that holds all runs.
PRIVATE = ".axonlog"
DATA_ROOT = "axonlog_data"
