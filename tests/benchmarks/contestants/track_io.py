"""trackio, with all its defaults, without a space to send to."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class Trackio:
    """``trackio.init`` and ``trackio.log``; it writes a database below ``TRACKIO_DIR``."""

    import_statement: ClassVar[str] = "import trackio"
    variables: ClassVar[Mapping[str, str]] = {"HF_HUB_OFFLINE": "1", "TRACKIO_DIR": "{directory}"}

    def start(self, directory: Path) -> None:
        import trackio

        trackio.init(project="mark", name=directory.name, embed=False)
        self._trackio = trackio

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._trackio.log(metrics, step=step)

    def finish(self) -> None:
        self._trackio.finish()

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        found = []
        for file in Path(os.environ["TRACKIO_DIR"]).rglob("*.db"):
            rows = sqlite3.connect(file).execute("select step, metrics from metrics")
            for step, text in rows:
                metrics = json.loads(text)
                if name in metrics:
                    found.append((step, metrics[name]))
        return found
