"""The lineage: which artifacts belong to a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from axonlog.errors import CacheError

from ._files import stamp_of, write_json
from ._json import to_json_value
from ._locks import ThreadLock, document_lock, exclusively


class LineageEntry(BaseModel):
    """One artifact; ``path`` is relative to the run's directory where it lies inside."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    kind: str
    path: str | None = None
    summary: dict[str, Any] | None = None
    is_input: bool | None = None


_ENTRIES = TypeAdapter(list[LineageEntry])


class Lineage:
    """The entries by name, as Polyaxon keeps them: a second one of a name replaces the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = ThreadLock(str(path))
        self._file_lock = document_lock(path)
        self._seen = stamp_of(path)
        self._entries = {entry.name: entry for entry in read_lineage(path)}
        self._written = dict(self._entries)
        # What the file may lack: writing failed, or another process may have written over it.
        self._unsaved: dict[str, LineageEntry] = {}

    def add(self, entries: Sequence[LineageEntry]) -> None:
        """Keep the entries; they are on disk when this returns.

        Raises:
            OSError: They cannot be written; the next ``add`` makes up for it.
        """
        with self._lock:
            self._unsaved.update({entry.name: entry for entry in entries})
            if not self._unsaved:
                return
            with exclusively(self._file_lock) as is_exclusive:
                self._catch_up()
                self._entries.update(self._unsaved)
                if self._entries != self._written:
                    documents = [item.model_dump() for item in self._entries.values()]
                    write_json(self._path, to_json_value(documents))
                    self._written = dict(self._entries)
                    self._seen = stamp_of(self._path)
                if is_exclusive:
                    self._unsaved = {}

    def snapshot(self) -> list[LineageEntry]:
        """The entries of this moment, in the order in which their names first came."""
        with self._lock:
            return list(self._entries.values())

    def _catch_up(self) -> None:
        """Take over what another process wrote meanwhile."""
        stamp = stamp_of(self._path)
        if stamp is not None and stamp != self._seen:
            try:
                self._written = {entry.name: entry for entry in read_lineage(self._path)}
            except CacheError:
                self._written = {}  # somebody spoiled it: what is known here is written over it
            self._entries.update(self._written)
            self._seen = stamp


def read_lineage(path: Path) -> list[LineageEntry]:
    """The entries in ``path``; none where there is no such file.

    Raises:
        CacheError: It is not a list of artifacts.
    """
    try:
        return _ENTRIES.validate_python(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return []
    except (ValueError, ValidationError) as error:
        raise CacheError(f"{path}: not a list of artifacts", path=path) from error
