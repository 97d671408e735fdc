"""A run's directory, open for writing."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from axonlog.errors import ContextError
from axonlog.events import ArtifactKind, clean_name, json_row, metric_row, read_events, summarize

from ._document import RunDocument, RunRecord, read_record
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry
from ._writer import EventWriter

# A summary reads its whole file. Doing so only when the file has grown by this factor keeps the
# work linear in the length of the run.
_GROWTH = 1.5


@dataclass
class _Series:
    """What is to be told of one event file at the next refresh."""

    path: Path
    kind: str
    name: str
    rows: int = 0
    rows_told: int = 0
    last: float | None = None
    last_told: bool = False


class RunStore:
    """Everything of one run on disk: document, lineage, events, outputs.

    Rows of events are in their files at once. What is derived from them (the last values among
    the outputs, the summaries in the lineage) follows with ``refresh``.
    """

    def __init__(self, directory: RunDirectory, document: RunDocument, lineage: Lineage) -> None:
        self.directory = directory
        self.document = document
        self.lineage = lineage
        self.writer = EventWriter()
        self._series: dict[Path, _Series] = {}
        self._series_by_name: dict[tuple[str, str], _Series] = {}
        self._refreshing = threading.RLock()

    @classmethod
    def open(cls, path: Path, fresh: RunRecord) -> RunStore:
        """Open the run in ``path``: the one that is there, or else ``fresh``.

        Raises:
            ContextError: Another run lives there.
            CacheError: What is there cannot be read.
            OSError: The directory cannot be made or written.
        """
        directory = RunDirectory(path)
        directory.create()
        record = fresh
        if directory.document.exists():
            record = read_record(directory.document)
            if record.uuid != fresh.uuid:
                raise ContextError(
                    f"{path} holds run {record.uuid}, not {fresh.uuid}: pass another "
                    "artifacts_path=, or run_uuid= to continue the run that is there"
                )
        store = cls(directory, RunDocument(directory.document, record), Lineage(directory.lineage))
        store.document.save()
        return store

    def append_metric(self, name: str, step: int | None, timestamp: datetime, value: float) -> None:
        """Add one number to the metric ``name``.

        Raises:
            EventError: The name cannot be used.
            OSError: The row could not be written.
        """
        series = self._series_of(ArtifactKind.METRIC.value, name)
        self.writer.append(series.path, series.kind, metric_row(step, timestamp, value))
        series.rows += 1
        series.last = value
        series.last_told = False

    def append_document(
        self, kind: str, name: str, step: int | None, timestamp: datetime, value: dict[str, Any]
    ) -> None:
        """Add one event whose value is a small document, of any table kind.

        Raises:
            EventError: The name cannot be used.
            OSError: The row could not be written.
        """
        series = self._series_of(kind, name)
        self.writer.append(series.path, series.kind, json_row(step, timestamp, value))
        series.rows += 1

    def refresh(self, *, final: bool = False) -> None:
        """Bring outputs, flags and summaries up to what the event files hold.

        Args:
            final: Tell every file's whole length, however little it has grown.

        Raises:
            OSError: A file could not be read or written; the next refresh makes up for it.
        """
        with self._refreshing:
            self.document.save()
            series = [item for item in list(self._series.values()) if item.rows > item.rows_told]
            if not series:
                return
            self._tell_flags()
            self._tell_last_values(series)
            due = [s for s in series if final or s.rows >= _GROWTH * s.rows_told]
            self.lineage.add([self._summary_of(item) for item in due])

    def adopt(self, path: Path, rows_before: bytes) -> None:
        """Take over the rows that another copy of an event file has and this one lacks.

        Raises:
            OSError: The file cannot be replaced.
        """
        self.writer.adopt(path, rows_before)
        series = self._series.get(path) or _Series(path, kind=path.parent.name, name=path.stem)
        with self._refreshing:
            self.lineage.add([self._summary_of(series)])

    def close(self) -> None:
        """Tell everything once more and close the files.

        Raises:
            OSError: As ``refresh``.
        """
        try:
            self.refresh(final=True)
        finally:
            self.writer.close()

    def _series_of(self, kind: str, name: str) -> _Series:
        series = self._series_by_name.get((kind, name))
        if series is None:
            path = self.directory.event_file(kind, name)
            # Two names may clean to one file, as in the original: then they are one series.
            series = self._series.setdefault(path, _Series(path, kind, clean_name(name)))
            self._series_by_name[(kind, name)] = series
        return series

    def _tell_flags(self) -> None:
        kinds = {item.kind for item in list(self._series.values()) if item.rows}
        flags = {}
        if kinds - {ArtifactKind.MODEL.value}:
            flags["has_events"] = True
        if ArtifactKind.METRIC.value in kinds:
            flags["has_metrics"] = True
        self.document.merge("meta_info", flags)

    def _tell_last_values(self, series: list[_Series]) -> None:
        values = {}
        for item in series:
            if item.last is not None and not item.last_told:
                item.last_told = True
                values[item.name] = item.last if math.isfinite(item.last) else None
        if values:
            self.document.merge("outputs", values)

    def _summary_of(self, series: _Series) -> LineageEntry:
        rows = series.rows
        entry = LineageEntry(
            name=series.name,
            kind=series.kind,
            path=self.directory.relative(series.path),
            summary=summarize(series.kind, read_events(series.path)),
            is_input=False,
        )
        series.rows_told = rows
        return entry
