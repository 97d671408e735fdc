"""The files of an attempt in the journal's folder."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(?P<attempt>[0-9a-f]+-\d+)\.(?:(?P<index>\d+)\.journal|json|status)")


@dataclass(frozen=True)
class Attempt:
    """The files of one process's stretch of a run: its owner, its status, and segments.

    ``name`` sorts by the time of the beginning.
    """

    folder: Path
    name: str
    indexes: tuple[int, ...] = ()

    @property
    def owner(self) -> Path:
        """The process that writes; removed when it has closed the run."""
        return self.folder / f"{self.name}.json"

    @property
    def status(self) -> Path:
        """The newest status that the process recorded; a guest has none.

        It is removed with the attempt.
        """
        return self.folder / f"{self.name}.status"

    def segment(self, index: int) -> Path:
        """The file of one segment."""
        return self.folder / f"{self.name}.{index:06d}.journal"


def new_attempt(folder: Path) -> Attempt:
    """An attempt of this process."""
    return Attempt(folder, f"{time.time_ns():016x}-{os.getpid()}")


def attempts_in(folder: Path) -> list[Attempt]:
    """The attempts that have files in ``folder``, oldest first; none if it is missing."""
    found: dict[str, list[int]] = {}
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        match = _NAME.fullmatch(name)
        if match is not None:
            indexes = found.setdefault(match["attempt"], [])
            if match["index"] is not None:
                indexes.append(int(match["index"]))
    return [Attempt(folder, name, tuple(sorted(found[name]))) for name in sorted(found)]
