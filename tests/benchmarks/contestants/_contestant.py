"""What every contestant can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol


class Contestant(Protocol):
    """A way to log metrics; one object for one run."""

    # What a user's script imports, as it is written there.
    import_statement: ClassVar[str]
    # For its process; `{directory}` is the run's.
    variables: ClassVar[Mapping[str, str]]

    def start(self, directory: Path) -> None:
        """Begin a run, offline, that writes below ``directory``."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log numbers of one step."""

    def finish(self) -> None:
        """End the run; everything is in its place when this returns."""

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        """Step and value of what is on disk of a metric, read by a process that knows no more."""
