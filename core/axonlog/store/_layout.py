"""Where things stand in a run's directory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

_IGNORE_EVERYTHING = "# Made by axonlog: runs are data, not source.\n*\n"


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one run, in the layout that Polyaxon reads."""

    path: Path

    @property
    def document(self) -> Path:
        """The run itself: name, status, inputs, outputs."""
        return self.path / "run.plx.json"

    @property
    def lineage(self) -> Path:
        """The list of artifacts that belong to the run."""
        return self.path / "lineages.plx.json"

    @property
    def events(self) -> Path:
        """Event files, a folder for each kind."""
        return self.path / "events"

    @property
    def assets(self) -> Path:
        """Files that events point to."""
        return self.path / "assets"

    @property
    def outputs(self) -> Path:
        """Files that the run made."""
        return self.path / "outputs"

    @property
    def private(self) -> Path:
        """What only axonlog reads; made when it is needed."""
        return self.path / ".axonlog"

    @property
    def journal(self) -> Path:
        """What log calls wrote and the event files do not have yet; gone when a run has ended."""
        return self.private / "journal"

    @property
    def spool(self) -> Path:
        """What log calls were given that is to be encoded; gone when all of it is."""
        return self.private / "spool"

    @property
    def names(self) -> Path:
        """The names of event files that are not called as they would be by themselves."""
        return self.private / "names.json"

    def event_file(self, kind: str, stem: str) -> Path:
        """The file that holds the events of one kind under one name; see ``EventNames``."""
        return self.events / kind / f"{stem}.plx"

    def relative(self, path: Path) -> str:
        """``path`` as lineage and server name it: relative to the run where it lies inside."""
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
            if parent.name == "axonlog_data":
                ignore = parent / ".gitignore"
                if not ignore.exists():
                    ignore.write_text(_IGNORE_EVERYTHING, encoding="utf-8")
                return
