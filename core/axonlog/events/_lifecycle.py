"""The closed set of statuses that a run can have."""

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
