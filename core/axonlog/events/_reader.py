"""Read the rows of a ``.plx`` file back."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ._kinds import ArtifactKind, EventKind, event_kind

_log = logging.getLogger("axonlog")

_HEADER = b"step|timestamp|"
_METRIC = ArtifactKind.METRIC.value
_UTC = timezone.utc
_HEAD_BYTES = len(_HEADER)
_LONGEST_HEADER_BYTES = 1024
_TAIL_BYTES = 64 * 1024

# Some thousand rows: more would not stay in the processor's cache.
_BLOCK_BYTES = 64 * 1024
_ALL_BUT_SEPARATORS = bytes(set(range(256)) - set(b"\n|"))

# Files of which it was logged that they hold unreadable rows: a live run reads some again and
# again. Bounded, for a process that reads thousands of broken runs.
_REPORTED: set[Path] = set()
_MAX_REPORTED = 1000


@dataclass(frozen=True)
class Event:
    """One row: ``text`` is its value as text; see ``EventKind.read``."""

    step: int | None
    timestamp: datetime
    text: str

    @property
    def value(self) -> float:
        """The number of a metric's row; NaN for a row that holds something else."""
        try:
            return float(self.text)
        except ValueError:
            return math.nan


@dataclass(frozen=True)
class Columns:
    """The rows of an event file, column by column; all three are of one length.

    Attributes:
        steps: The step of each row; None where it has none.
        times: When each was logged, with a time zone.
        values: For a metric an ``array("d")``, which NumPy and Arrow take without a copy. For
            other kinds a list of what ``EventKind.read`` makes of them.
    """

    steps: list[int | None] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    values: array[float] | list[Any] = field(default_factory=list)


def read_events(
    path: Path, *, kind: str | None = None, offset: int = 0, end: int | None = None
) -> Iterator[Event]:
    """The events of a file, in the order in which they were logged.

    Never raises for what the file holds. A row that cannot be read (torn by a crash, of another
    kind, not UTF-8) is left out; how many there were is logged once per file. A timestamp without
    a time zone counts as UTC.

    Args:
        path: The file.
        kind: Its kind. If not given: as the header says, and for JSON lines as the rows do.
        offset: Where to begin, in bytes: at the end of a row, or at the beginning of the file.
        end: Where to stop, in bytes: at the end of a row.

    Raises:
        OSError: The file cannot be opened or read.
    """
    with path.open("rb") as file:
        rows = _Rows(file, kind, is_from_start=not offset)
        if offset:
            file.seek(offset)
        left_bytes = math.inf if end is None else end - file.tell()
        for line in file:
            if left_bytes <= 0:
                break
            left_bytes -= len(line)
            row = rows.parse(line)
            if row is not None:
                yield Event(*row[:3])
    rows.report_unreadable(path)


def read_columns(
    path: Path, *, kind: str | None = None, offset: int = 0, end: int | None = None
) -> Columns:
    """The same as ``read_events``, column by column, and several times as fast for metrics.

    Args:
        path: As for ``read_events``.
        kind: As for ``read_events``.
        offset: As for ``read_events``.
        end: As for ``read_events``.

    Raises:
        OSError: The file cannot be opened or read.
    """
    with path.open("rb") as file:
        rows = _Rows(file, kind, is_from_start=not offset)
        if offset:
            file.seek(offset)
        is_metric = rows.kind.name == _METRIC and rows.is_table
        columns = Columns(values=array("d") if is_metric else [])
        left_bytes = sys.maxsize if end is None else max(0, end - file.tell())
        while block := file.read(min(_BLOCK_BYTES, left_bytes)):
            if left_bytes > len(block):
                block += file.readline()
            left_bytes -= min(left_bytes, len(block))
            if is_metric and _append_metrics(columns, block):
                rows.line += block.count(b"\n")
                continue
            for line in block.removesuffix(b"\n").split(b"\n"):
                row = rows.parse(line)
                if row is not None:
                    columns.steps.append(row[0])
                    columns.times.append(row[1])
                    columns.values.append(row[3])
    rows.report_unreadable(path)
    return columns


def torn_tail_bytes(file: BinaryIO, kind: str) -> int:
    """The length of a last row that cannot be read, with its line break; 0 if it can be.

    A table that has no whole header is torn altogether, and so are JSON lines without a whole
    row. A file in another format than that of its kind is left alone.

    Raises:
        OSError: The file cannot be read.
    """
    head = file.read(_HEAD_BYTES)
    is_table = event_kind(kind).format == "table"
    if not _may_be_begun(head, is_table=is_table):
        return 0
    start = end = file.seek(0, os.SEEK_END)
    tail = b""
    # Twice as much each time: power loss can leave a megabyte of zeros.
    while start and b"\n" not in tail.rstrip(b"\n"):
        start = max(0, end - max(_TAIL_BYTES, 2 * len(tail)))
        file.seek(start)
        tail = file.read(end - start)
    rows = tail.rstrip(b"\n")
    before, line_break, row = rows.rpartition(b"\n")
    if not row or _parse(row.rstrip(b"\r"), event_kind(kind), is_table=is_table) is not None:
        return 0
    if is_table and not line_break and row.startswith(_HEADER):
        return 0
    return len(tail) - len(before)


def is_row_whole(row: bytes, kind: str) -> bool:
    """Whether a row, without its line break, has a value that can be read; its time may be any."""
    declared = event_kind(kind)
    try:
        if declared.format == "table":
            declared.read(row.decode("utf-8").split("|", 2)[2])
        else:
            json.loads(row)
    except (IndexError, ValueError, RecursionError):
        return False
    return True


def kind_in_header(content: bytes) -> str | None:
    """The kind that the header of a table names; None for other content."""
    first = content[:_LONGEST_HEADER_BYTES].partition(b"\n")[0]
    if not first.startswith(_HEADER):
        return None
    return first[len(_HEADER) :].strip().decode("utf-8", "replace")


_Row: TypeAlias = "tuple[int | None, datetime, str, Any]"


class _Rows:
    """Parses the rows of one file, and counts those that it cannot read.

    Made at the beginning of the file, which is then at its first row.

    Attributes:
        kind: How its events are filed.
        is_table: Its format, which the file itself decides where it has a header.
        line: The number of the line that was read last.
    """

    def __init__(self, file: BinaryIO, kind: str | None, *, is_from_start: bool) -> None:
        header = file.readline()
        named = kind_in_header(header)
        self.is_table = named is not None
        self.line = 1
        if named is None:
            file.seek(0)  # somebody lost the header, or it has none: the first line is a row
            self.line = 0
            named = _kind_in_lines(file) if kind is None else kind
            self.is_table = event_kind(named).format == "table"
        self.kind = event_kind(named if kind is None else kind)
        self._is_from_start = is_from_start
        self._unreadable, self._first, self._example = 0, 0, b""

    def parse(self, line: bytes) -> _Row | None:
        """Step, time, text and value; None for an empty row, and for one that is counted."""
        self.line += 1
        row = line.rstrip(b"\r\n")
        parsed = _parse(row, self.kind, is_table=self.is_table)
        if parsed is None and row:
            if not self._unreadable:
                self._first, self._example = self.line, row
            self._unreadable += 1
        return parsed

    def report_unreadable(self, path: Path) -> None:
        """Log how many rows could not be read, once for each file."""
        if not self._unreadable or path in _REPORTED:
            return
        if len(_REPORTED) >= _MAX_REPORTED:
            _REPORTED.clear()
        _REPORTED.add(path)
        _log.warning(
            "%s: %d %s cannot be read and %s left out%s: %r",
            path,
            self._unreadable,
            "row" if self._unreadable == 1 else "rows",
            "is" if self._unreadable == 1 else "are",
            f", the first in line {self._first}" if self._is_from_start else "",
            self._example[:60].decode("utf-8", "replace"),
        )


def _kind_in_lines(file: BinaryIO) -> str:
    """The kind that the first readable JSON line names; empty for what is no JSON lines."""
    for line in file:
        row = line.strip()
        if not row:
            continue
        if not row.startswith(b"{"):
            break
        try:
            names = [name for name in json.loads(row) if event_kind(name).format == "lines"]
        except (ValueError, RecursionError):
            continue
        if names:
            file.seek(0)
            return str(names[0])
    file.seek(0)
    return ""


def _parse(row: bytes, kind: EventKind, *, is_table: bool) -> _Row | None:
    """Step, time, text and value of a row; None if it cannot be read."""
    try:
        if is_table:
            first, time, text = row.decode("utf-8").split("|", 2)
            step = int(first) if first else None
        else:
            document = json.loads(row)
            time, value = document["timestamp"], document[kind.name]
            text = value if isinstance(value, str) else json.dumps(value)
            step = None if document.get("step") is None else int(document["step"])
        if time.endswith("Z"):  # which Python 3.10 does not read
            time = time[:-1] + "+00:00"
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_UTC)
        return step, moment, text, kind.read(text)
    # JSON may hold anything, and be nested too deeply.
    except (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _append_metrics(columns: Columns, block: bytes) -> bool:
    """Append the rows of a block, column by column; False, and nothing, if one is damaged."""
    block = block.strip(b"\n")
    if not block:
        return True
    rows = block.count(b"\n") + 1
    if block.translate(None, _ALL_BUT_SEPARATORS) != b"||\n" * (rows - 1) + b"||":
        return False
    try:
        fields = block.replace(b"\n", b"|").decode("utf-8").split("|")
        values = array("d", map(float, fields[2::3]))
        times = list(map(datetime.fromisoformat, fields[1::3]))
        steps = _to_steps(fields[::3])
    except ValueError:
        return False
    if block.count(b"+00:00|") != rows:
        times = [time if time.tzinfo else time.replace(tzinfo=_UTC) for time in times]
    columns.steps.extend(steps)
    columns.times.extend(times)
    columns.values.extend(values)
    return True


def _to_steps(texts: list[str]) -> Iterable[int | None]:
    try:
        return list(map(int, texts))
    except ValueError:
        return [int(text) if text else None for text in texts]


def _may_be_begun(head: bytes, *, is_table: bool) -> bool:
    """Whether a file that begins so may be one of that format, whole or torn."""
    begun = head.strip(b"\0")
    if is_table:
        return begun.startswith(_HEADER) or _HEADER.startswith(begun)
    return begun.lstrip(b"\n")[:1] in (b"", b"{")
