"""Lightning's CSVLogger, with all its defaults."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class LightningCsv:
    """As the Trainer drives it, but without a save after each step."""

    import_statement: ClassVar[str] = "from pytorch_lightning.loggers import CSVLogger"
    variables: ClassVar[Mapping[str, str]] = {}

    def start(self, directory: Path) -> None:
        from pytorch_lightning.loggers import CSVLogger

        self._logger = CSVLogger(os.fspath(directory), name="run")

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._logger.log_metrics(metrics, step)

    def finish(self) -> None:
        self._logger.save()
        self._logger.finalize("success")

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        found = []
        for file in directory.glob("run/version_*/metrics.csv"):
            with file.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream):
                    if row.get(name) and row.get("step"):
                        found.append((int(row["step"]), float(row[name])))
        return found
