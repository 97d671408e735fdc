"""traceml, the original, with all its defaults, offline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class Traceml:
    """``traceml.tracking``, by its module functions as its documentation does."""

    import_statement: ClassVar[str] = "from traceml import tracking"
    variables: ClassVar[Mapping[str, str]] = {
        "POLYAXON_NO_CONFIG": "1",
        "POLYAXON_OFFLINE_ROOT": "{directory}",
    }

    def start(self, directory: Path) -> None:
        from traceml import tracking

        tracking.init(
            owner="bench",
            project="mark",
            is_offline=True,
            is_new=True,
            artifacts_path=os.fspath(directory / "run"),
            name="run",
        )
        self._log_metrics = tracking.log_metrics
        self._end = tracking.end

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._log_metrics(step=step, **metrics)

    def finish(self) -> None:
        self._end()

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        found = []
        for file in directory.rglob(f"events/metric/{name}.plx"):
            for line in file.read_text(encoding="utf-8").split("\n")[1:]:
                step, _, value = [*line.split("|"), "", "", ""][:3]
                if step and value:
                    found.append((int(float(step)), float(value)))
        return found
