"""The event files of a run, and what is told of them elsewhere."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import add
from pathlib import Path
from typing import Any

from axonlog.events import (
    ArtifactKind,
    Span,
    Summary,
    event_row,
    format_seconds,
    format_time,
    read_events,
    row_prefix,
    summarize_into,
)

from ._document import RunDocument
from ._event_writer import EventWriter
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry
from ._names import EventNames
from .journal import Batch

# The lineage goes to the server whole whenever it changes. Telling of a file only when it has
# grown by this factor keeps that linear in the length of the run.
_GROWTH = 1.5

_METRIC = ArtifactKind.METRIC.value


@dataclass(eq=False)
class Series:
    """One event file.

    ``summary`` covers the first ``size_bytes`` bytes of the file ``inode``; None until it is
    needed.
    """

    path: Path
    relative: str
    kind: str
    stem: str
    summary: Summary | None = None
    size_bytes: int = 0
    inode: int = 0
    rows_published: int = 0
    has_unpublished_rows: bool = False


@dataclass
class Rows:
    """What is to be appended to one event file: text, and the same for the summary."""

    series: Series
    texts: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    values: list[Sequence[float]] = field(default_factory=list)


class EventFiles:
    """The event files of a run: appends rows, and brings outputs, flags and lineage after them.

    Any thread may append documents; metrics come from one at a time.
    """

    def __init__(
        self, directory: RunDirectory, document: RunDocument, lineage: Lineage, names: EventNames
    ) -> None:
        self.events_appended = 0
        self._directory = directory
        self._document = document
        self._lineage = lineage
        self._names = names
        self._writer = EventWriter()
        self._series: dict[tuple[str, str], Series] = {}
        self._last_values: dict[str, float] = {}  # of metrics without an event file
        # Rows of a batch that failed. They come again with the next one, while the server may
        # have got them meanwhile.
        self._taken_back: dict[Path, bytes] = {}
        # Reentrant: a SIGTERM handler ends the run in the thread that may hold it.
        self._lock = threading.RLock()

    def append_event(
        self, kind: str, name: str, step: int | None, timestamp: datetime, value: Any
    ) -> None:
        """Add one event of any kind but metrics, which go through the journal.

        Args:
            kind: Of the event.
            name: Of the series.
            step: Of the event.
            timestamp: With a time zone.
            value: See ``event_row``.

        Raises:
            EventError: The name cannot be used.
            OSError: The row could not be written.
        """
        with self._lock:
            series = self._series_of(kind, name)
            self._names.save()
            text = event_row(kind, step, timestamp, value)
            self._append(Rows(series, [text], [Span.of([step], timestamp, timestamp)], [()]))
            self.events_appended += 1

    def has_row(self, kind: str, name: str, row: str) -> bool:
        """Whether an event file has a row, which begins with its line break.

        The rows of the file are then published, whoever wrote them.

        Raises:
            EventError: The name cannot be used.
            OSError: The file cannot be read.
        """
        with self._lock:
            series = self._series_of(kind, name)
            try:
                content, status = series.path.read_bytes(), series.path.stat()
            except FileNotFoundError:
                return False
            data = row.encode("utf-8")
            if not content.endswith(data) and data + b"\n" not in content:
                return False
            self._summary_of(series, status.st_size, status.st_ino)
            series.has_unpublished_rows = True
            return True

    def keep_last_values(self, values: Mapping[str, float]) -> None:
        """Keep numbers that have no event file for the outputs.

        Raises:
            EventError: A name cannot be used.
        """
        with self._lock:
            for name, value in values.items():
                self._last_values[self._names.stem(_METRIC, name)] = value

    def compose(self, batches: Iterable[Batch]) -> list[Rows]:
        """The rows of metrics, by file; none is written."""
        rows: dict[Series, Rows] = {}
        with self._lock:
            self._names.catch_up()
            for batch in batches:
                times = list(map(_format, batch.times))
                prefixes = list(map(row_prefix, batch.steps, times))
                span = Span.of(batch.steps, *_bounds(batch.times))
                for name, column in zip(batch.names, zip(*batch.values, strict=True), strict=True):
                    series = self._series_of(_METRIC, name)
                    target = rows.get(series) or rows.setdefault(series, Rows(series))
                    target.texts.append("".join(map(add, prefixes, map(repr, column))))
                    target.spans.append(span)
                    target.values.append(column)
            self._names.save()
        return list(rows.values())

    def sizes_of(self, rows: Iterable[Rows]) -> dict[str, int]:
        """The present size of each file that is to be appended to, by path relative to the run."""
        return {item.series.relative: self._writer.size_bytes(item.series.path) for item in rows}

    def append(self, rows: Iterable[Rows]) -> None:
        """Write what was composed.

        Raises:
            OSError: A file could not be written; others may have been.
        """
        with self._lock:
            for item in rows:
                self._append(item)

    def restore(self, sizes_bytes: dict[str, int]) -> None:
        """Cut files back to what ``sizes_of`` had said.

        Raises:
            OSError: One cannot be cut.
        """
        for relative, size_bytes in sizes_bytes.items():
            # The note lies on disk: whoever could change it must reach nothing else by it.
            if relative.startswith("events/") and ".." not in relative.split("/"):
                path = self._directory.path / relative
                if cut := self._writer.restore(path, size_bytes):
                    self._taken_back[path] = cut

    def adopt(self, path: Path, rows_before: bytes) -> None:
        """Take over the rows that another copy of an event file has and this one lacks.

        Raises:
            OSError: The file cannot be replaced.
        """
        with self._lock:
            taken_back = self._taken_back.get(path)
            if taken_back is not None and rows_before.endswith(taken_back):
                rows_before = rows_before[: -len(taken_back)]
            self._writer.adopt(path, rows_before)
            for series in self._series.values():
                if series.path == path:
                    status = path.stat()
                    self._summary_of(series, status.st_size, status.st_ino)
                    series.rows_published = 0

    def publish(self, *, final: bool = False) -> None:
        """Bring outputs, flags and summaries up to what the event files hold.

        Args:
            final: Tell every file's whole length, however little it has grown.

        Raises:
            OSError: A file could not be written; the next time makes up for it.
        """
        with self._lock:
            if self._last_values:
                self._names.save()
                values = {stem: _markable(value) for stem, value in self._last_values.items()}
                self._document.keep_last_values(values)
                self._last_values.clear()
            self._publish_values(
                [series for series in self._series.values() if series.has_unpublished_rows]
            )
            due = {
                series: series.summary
                for series in self._series.values()
                if series.summary is not None and _is_due(series, series.summary, final=final)
            }
            self._lineage.add([self._entry_of(series, summary) for series, summary in due.items()])
            for series, summary in due.items():
                series.rows_published = summary.rows

    def close(self) -> None:
        """Close the files; a later append opens them again."""
        self._writer.close()

    def _series_of(self, kind: str, name: str) -> Series:
        series = self._series.get((kind, name))
        if series is None:
            stem = self._names.stem(kind, name)
            path = self._directory.event_file(kind, stem)
            self._writer.drop_torn_tail(path, kind)
            series = Series(path, self._directory.relative(path), kind, stem)
            self._series[(kind, name)] = series
        return series

    def _append(self, rows: Rows) -> None:
        series = rows.series
        written = self._writer.append(series.path, series.kind, "".join(rows.texts))
        self._taken_back.pop(series.path, None)
        summary = self._summary_of(series, written.size_before, written.inode)
        for span, values in zip(rows.spans, rows.values, strict=True):
            summary.add(span, values)
        series.size_bytes = written.size_bytes
        series.has_unpublished_rows = True

    def _summary_of(self, series: Series, size_bytes: int, inode: int) -> Summary:
        """The summary of the first ``size_bytes`` bytes of the file.

        Read are the rows that it lacks: of an earlier attempt, or of another process.
        """
        summary = series.summary
        if summary is None or series.inode != inode or series.size_bytes > size_bytes:
            summary = series.summary = Summary(series.kind)
            series.size_bytes = 0
        if series.size_bytes < size_bytes:
            offset = series.size_bytes
            events = read_events(series.path, kind=series.kind, offset=offset, end=size_bytes)
            summarize_into(summary, series.kind, events)
        series.size_bytes, series.inode = size_bytes, inode
        return summary

    def _publish_values(self, series: Sequence[Series]) -> None:
        if not series:
            return
        flags = {}
        if any(item.kind != ArtifactKind.MODEL.value for item in series):
            flags["has_events"] = True
        if any(item.kind == _METRIC for item in series):
            flags["has_metrics"] = True
        self._document.merge("meta_info", flags)
        values = {
            item.stem: _markable(item.summary.last)
            for item in series
            if item.kind == _METRIC and item.summary is not None and item.summary.last is not None
        }
        if values:
            self._document.keep_last_values(values)
        for item in series:
            item.has_unpublished_rows = False

    def _entry_of(self, series: Series, summary: Summary) -> LineageEntry:
        return LineageEntry(
            name=series.stem,
            kind=series.kind,
            path=series.relative,
            summary=summary.to_dict(),
            is_input=False,
        )


def _is_due(series: Series, summary: Summary, *, final: bool) -> bool:
    if summary.rows == series.rows_published:
        return False
    return final or summary.rows >= _GROWTH * series.rows_published


def _format(time: float | datetime) -> str:
    return format_time(time) if isinstance(time, datetime) else format_seconds(time)


def _bounds(times: Sequence[float | datetime]) -> tuple[datetime, datetime]:
    """The earliest and the latest, as they stand in the rows."""
    moments = [t for t in times if isinstance(t, datetime)]
    if moments:
        return min(moments), max(moments)
    seconds = [t for t in times if not isinstance(t, datetime)]
    earliest, latest = format_seconds(min(seconds)), format_seconds(max(seconds))
    return datetime.fromisoformat(earliest), datetime.fromisoformat(latest)


def _markable(value: float) -> float | str:
    """JSON has no word for NaN and infinities: they are marked by Python's."""
    return value if math.isfinite(value) else str(value)
