"""axonlog, with all its defaults, offline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class Axonlog:
    """A run of its own, so that several may follow each other in one process."""

    import_statement: ClassVar[str] = "import axonlog"
    variables: ClassVar[Mapping[str, str]] = {}

    def start(self, directory: Path) -> None:
        import axonlog

        run = axonlog.init(
            project="bench/mark", is_offline=True, is_new=True, artifacts_path=os.fspath(directory)
        )
        self._log_metrics = run.log_metrics
        self._end = run.end

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._log_metrics(metrics, step=step)

    def finish(self) -> None:
        self._end()

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        from axonlog.events import read_events
        from axonlog.store import repair

        repair(directory)
        file = directory / "events" / "metric" / f"{name}.plx"
        return [(event.step, event.value) for event in read_events(file)]
