"""Look at what a run left on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from axonlog.events import read_events
from support.journal import bring_over


def only_run(root: Path) -> Path:
    """The directory of the one run below ``root``."""
    (document,) = root.rglob("run.plx.json")
    return document.parent


def document_of(run: Path) -> dict[str, Any]:
    """The run document."""
    document: dict[str, Any] = json.loads((run / "run.plx.json").read_text())
    return document


def statuses_of(run: Path) -> list[str]:
    """The status history, oldest first."""
    return [condition["type"] for condition in document_of(run)["status_conditions"]]


def lineage_of(run: Path) -> dict[str, dict[str, Any]]:
    """The lineage by name."""
    entries = json.loads((run / "lineages.plx.json").read_text())
    return {entry["name"]: entry for entry in entries}


def points_of(run: Path, name: str) -> list[tuple[int | None, float]]:
    """Steps and values of a metric."""
    bring_over(run)
    path = run / "events" / "metric" / f"{name}.plx"
    return [(event.step, event.value) for event in read_events(path)]
