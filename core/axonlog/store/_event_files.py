"""The event files of a run, and what outputs, flags and lineage say about them."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

from axonlog._polyaxon import EVENTS
from axonlog.events import (
    ArtifactKind,
    Span,
    Summary,
    event_row,
    format_seconds,
    format_time,
    header,
    read_events,
    row_prefix,
    summarize_into,
    torn_tail_bytes,
)

from ._atomic import replacing
from ._document import RunDocument
from ._file_lock import ThreadLock
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry
from ._merge import merge_rows
from ._names import EventNames
from .journal import Batch

_log = logging.getLogger("axonlog")

# The lineage goes to the server whole whenever it changes. A summary is published only when its
# file has grown by this factor, so that the bytes sent stay linear in the length of the run.
_GROWTH = 1.5

_METRIC = ArtifactKind.METRIC.value


# A run may have thousands of metrics, a process often only 1,024 descriptors.
_MAX_OPEN_FILES = 128


class Appended(NamedTuple):
    """The size of a file before and after rows were added, and which file it is."""

    size_before: int
    size_bytes: int
    inode: int


class EventWriter:
    """Writes whole rows: what is given at once in one ``write`` on a descriptor that appends.

    What ``append`` was given is in the kernel's hands when it returns, so it outlives the
    process. A file is made together with its first row, because a reader refuses a file that
    holds a header only. Any thread may append.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[Path, int] = OrderedDict()
        self._lock = ThreadLock("the event files")

    def size_bytes(self, path: Path) -> int:
        """The present size of an event file; 0 if it is not there.

        Raises:
            OSError: It cannot be asked.
        """
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, path: Path, kind: str, rows: str) -> Appended:
        """Add ``rows`` (each begins with its line break) to the event file ``path``.

        Raises:
            OSError: The rows are not in the file, and the file is as it was before.
        """
        with self._lock:
            descriptor = self._descriptor(path)
            status = os.fstat(descriptor)
            before = status.st_size
            data = (rows if before else header(kind) + rows).encode("utf-8")
            try:
                written = os.write(descriptor, data)
                while written < len(data):  # the next attempt raises the reason
                    written += os.write(descriptor, data[written:])
            except OSError:
                # A row torn in the middle of a file would cost its readers the whole file.
                with contextlib.suppress(OSError):
                    self.truncate(path, before)
                raise
            return Appended(before, before + len(data), status.st_ino)

    def truncate(self, path: Path, size_bytes: int) -> bytes:
        """Cut an event file to a size that it had before; 0 removes it.

        Returns:
            What was cut off; nothing if the file is shorter already.

        Raises:
            OSError: It cannot be done.
        """
        with self._lock:
            self._close(path)
            try:
                if not path.is_file():
                    return b""
                with path.open("rb+") as file:
                    file.seek(size_bytes)
                    cut = file.read()
                    if cut:
                        file.truncate(size_bytes)
            except FileNotFoundError:
                return b""
            if not size_bytes:
                path.unlink(missing_ok=True)
            return cut

    def drop_torn_tail(self, path: Path, kind: str) -> None:
        """Remove a last row that a crash tore, before others follow it.

        In the middle of a file such a row makes the server's reader refuse the whole file. To be
        called while no other process appends.

        Raises:
            OSError: The file cannot be read or cut.
        """
        try:
            with path.open("rb") as file:
                torn_bytes = torn_tail_bytes(file, kind)
                end = file.seek(0, os.SEEK_END)
        except (FileNotFoundError, IsADirectoryError):
            return
        if torn_bytes and (torn := self.truncate(path, end - torn_bytes)):
            _log.warning(
                "%s: its last row was torn by a crash, and is removed: %r",
                path,
                torn[:60].decode("utf-8", "replace").strip("\n"),
            )

    def merge_remote(self, path: Path, remote: bytes) -> None:
        """Merge the server's copy of an event file into the local one.

        Args:
            path: The local event file; it may not exist yet.
            remote: The whole remote copy, header included. Its rows come first.

        Raises:
            OSError: The file cannot be replaced; it is as it was before.
        """
        with self._lock:
            self._close(path)
            local = path.read_bytes() if path.exists() else b""
            with replacing(path) as temporary:
                temporary.write_bytes(merge_rows(remote, local))

    def close(self) -> None:
        """Close the descriptors; a later ``append`` opens them again."""
        with self._lock:
            for path in list(self._files):
                self._close(path)

    def _descriptor(self, path: Path) -> int:
        descriptor = self._files.get(path)
        if descriptor is not None:
            self._files.move_to_end(path)
            if _is_still(descriptor, path):
                return descriptor
            self._close(path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, flags, 0o666)
        if len(self._files) == _MAX_OPEN_FILES:
            self._close(next(iter(self._files)))
        self._files[path] = descriptor
        return descriptor

    def _close(self, path: Path) -> None:
        descriptor = self._files.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether ``path`` is the file that was opened: another process may have replaced it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


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
    """The event files of a run: appends rows, and publishes outputs, flags and summaries.

    Any thread may append events; metrics are appended by one thread at a time.
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
        # Rows of a batch that failed. The next batch appends them again, but they may have been
        # uploaded before the rollback.
        self._rolled_back: dict[Path, bytes] = {}
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
        """Set numbers among the outputs that have no event file, with the next ``publish``.

        Raises:
            EventError: A name cannot be used.
        """
        with self._lock:
            for name, value in values.items():
                self._last_values[self._names.stem(_METRIC, name)] = value

    def compose(self, batches: Iterable[Batch]) -> list[Rows]:
        """The rows of metrics, by file; nothing is written yet."""
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

    def roll_back(self, sizes_bytes: dict[str, int]) -> None:
        """Truncate files to the sizes that ``sizes_of`` gave.

        Raises:
            OSError: One cannot be cut.
        """
        for relative, size_bytes in sizes_bytes.items():
            # The sizes come from a file, which must not lead outside of the events.
            if relative.startswith(f"{EVENTS}/") and ".." not in relative.split("/"):
                path = self._directory.path / relative
                if cut := self._writer.truncate(path, size_bytes):
                    self._rolled_back[path] = cut

    def merge_remote(self, path: Path, remote: bytes) -> None:
        """Merge the rows that the server's copy of an event file has and the local one lacks.

        Raises:
            OSError: The file cannot be replaced.
        """
        with self._lock:
            rolled_back = self._rolled_back.get(path)
            if rolled_back is not None and remote.endswith(rolled_back):
                remote = remote[: -len(rolled_back)]
            self._writer.merge_remote(path, remote)
            for series in self._series.values():
                if series.path == path:
                    status = path.stat()
                    self._summary_of(series, status.st_size, status.st_ino)
                    series.rows_published = 0

    def publish(self, *, final: bool = False) -> None:
        """Update outputs, flags and lineage to what the event files hold.

        Args:
            final: Update every summary, however little its file has grown.

        Raises:
            OSError: A file could not be written; the next call tries again.
        """
        with self._lock:
            if self._last_values:
                self._names.save()
                values = {stem: _to_json_number(value) for stem, value in self._last_values.items()}
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
        self._rolled_back.pop(series.path, None)
        summary = self._summary_of(series, written.size_before, written.inode)
        for span, values in zip(rows.spans, rows.values, strict=True):
            summary.add(span, values)
        series.size_bytes = written.size_bytes
        series.has_unpublished_rows = True

    def _summary_of(self, series: Series, size_bytes: int, inode: int) -> Summary:
        """The summary of the first ``size_bytes`` bytes of the file.

        Rows of an earlier attempt or of another process are read from the file.
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
            item.stem: _to_json_number(item.summary.last)
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


def _to_json_number(value: float) -> float | str:
    """JSON has no NaN and no infinities: they become strings."""
    return value if math.isfinite(value) else str(value)
