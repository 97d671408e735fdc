"""The names of files and folders in a run's directory, declared once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from axonlog._polyaxon import (
    ASSETS,
    DATA_ROOT,
    EVENT_FILE_SUFFIX,
    EVENTS,
    LINEAGE,
    OUTPUTS,
    PRIVATE,
    RUN_DOCUMENT,
)

_IGNORE_EVERYTHING = "# Made by axonlog: runs are data, not source.\n*\n"


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one run, in the layout that Polyaxon reads."""

    path: Path

    @property
    def document(self) -> Path:
        """The run itself: name, status, inputs, outputs."""
        return self.path / RUN_DOCUMENT

    @property
    def lineage(self) -> Path:
        """The list of artifacts that belong to the run."""
        return self.path / LINEAGE

    @property
    def events(self) -> Path:
        """Event files, a folder for each kind."""
        return self.path / EVENTS

    @property
    def assets(self) -> Path:
        """Files that events point to."""
        return self.path / ASSETS

    @property
    def outputs(self) -> Path:
        """Files that the run made."""
        return self.path / OUTPUTS

    @property
    def private(self) -> Path:
        """Files that only axonlog reads; made when needed."""
        return self.path / PRIVATE

    @property
    def journal(self) -> Path:
        """What log calls wrote and event files may lack; removed when the run has ended."""
        return self.private / "journal"

    @property
    def spool(self) -> Path:
        """Events that are still to be encoded; removed when all of them are."""
        return self.private / "spool"

    @property
    def names(self) -> Path:
        """The names whose event files are named otherwise, because two names collided."""
        return self.private / "names.json"

    def event_file(self, kind: str, stem: str) -> Path:
        """The file that holds the events of one kind under one name; see ``EventNames``."""
        return self.events / kind / f"{stem}{EVENT_FILE_SUFFIX}"

    def relative(self, path: Path) -> str:
        """``path`` as lineage and server name it: relative to the run if it lies in there."""
        with contextlib.suppress(ValueError):
            return path.relative_to(self.path).as_posix()
        return str(path)

    def create(self) -> None:
        """Make the directory and its folders; an ``axonlog_data`` root is kept out of git.

        Raises:
            OSError: They cannot be made.
        """
        for folder in (self.events, self.assets, self.outputs):
            folder.mkdir(parents=True, exist_ok=True)
        for parent in self.path.parents:
            if parent.name == DATA_ROOT:
                ignore = parent / ".gitignore"
                if not ignore.exists():
                    ignore.write_text(_IGNORE_EVERYTHING, encoding="utf-8")
                return
