"""Read the rows of a ``.plx`` file back."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from ._kinds import ArtifactKind

_log = logging.getLogger("axonlog")

_HEADER = b"step|timestamp|"
_METRIC = ArtifactKind.METRIC.value
_UTC = timezone.utc
_TAIL_BYTES = 64 * 1024

# Files of which it was logged that they hold unreadable rows: a live run reads some again and
# again. Bounded, for a process that reads thousands of broken runs.
_REPORTED: set[Path] = set()
_MAX_REPORTED = 1000


@dataclass(frozen=True)
class Event:
    """One row: ``text`` is the third column as it stands in the file."""

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


def read_events(
    path: Path, *, kind: str | None = None, offset: int = 0, end: int | None = None
) -> Iterator[Event]:
    """The events of a table file, in the order in which they were logged.

    Never raises for what the file holds. A row that cannot be read (torn by a crash, of another
    kind, not UTF-8) is left out; how many there were is logged once per file. A timestamp without
    a time zone counts as UTC.

    Args:
        path: The file.
        kind: Its kind; as the header says if not given.
        offset: Where to begin, in bytes: at the end of a row, or at the beginning of the file.
        end: Where to stop, in bytes: at the end of a row.

    Raises:
        OSError: The file cannot be opened or read.
    """
    with path.open("rb") as file:
        header = file.readline()
        first_row = 2
        if not header.startswith(_HEADER):
            file.seek(0)  # somebody lost the header: the first line is a row like the others
            first_row = 1
        elif kind is None:
            kind = header[len(_HEADER) :].strip().decode("utf-8", "replace")
        if offset:
            file.seek(offset)
        is_metric = kind == _METRIC
        unreadable, first, example = 0, 0, b""
        left_bytes = math.inf if end is None else end - file.tell()
        for number, line in enumerate(file, first_row):
            if left_bytes <= 0:
                break
            left_bytes -= len(line)
            row = line.rstrip(b"\r\n")
            event = _parse(row, is_metric=is_metric)
            if event is not None:
                yield event
            elif row:
                if not unreadable:
                    first, example = number, row
                unreadable += 1
    if unreadable:
        _report(path, unreadable, None if offset else first, example)


def torn_tail_bytes(file: BinaryIO, kind: str) -> int:
    """The length of a last row that cannot be read, with its line break; 0 if it can be.

    A table that has no whole header is torn altogether; what is no table is left alone.

    Raises:
        OSError: The file cannot be read.
    """
    head = file.read(len(_HEADER))
    if head != _HEADER and not _HEADER.startswith(head) and head.strip(b"\0"):
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
    if not row or _parse(row.rstrip(b"\r"), is_metric=kind == _METRIC) is not None:
        return 0
    if not line_break and row.startswith(_HEADER):
        return 0
    return len(tail) - len(before)


def _parse(row: bytes, *, is_metric: bool) -> Event | None:
    """The event of a row; None if it cannot be read."""
    try:
        step, time, text = row.decode("utf-8").split("|", 2)
        moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
        if is_metric:
            float(text)
        else:
            _check_document(text)
        return Event(
            step=int(step) if step else None,
            timestamp=moment if moment.tzinfo is not None else moment.replace(tzinfo=_UTC),
            text=text,
        )
    except (ValueError, RecursionError):  # of json, for what is nested too deeply
        return None


def _check_document(text: str) -> None:
    """That ``text`` is JSON, or a number.

    Raises:
        ValueError: It is neither.
        RecursionError: It is nested too deeply.
    """
    try:
        json.loads(text)
    except ValueError:
        float(text)


def _report(path: Path, unreadable: int, line: int | None, example: bytes) -> None:
    if path in _REPORTED:
        return
    if len(_REPORTED) >= _MAX_REPORTED:
        _REPORTED.clear()
    _REPORTED.add(path)
    _log.warning(
        "%s: %d %s cannot be read and %s left out%s: %r",
        path,
        unreadable,
        "row" if unreadable == 1 else "rows",
        "is" if unreadable == 1 else "are",
        "" if line is None else f", the first in line {line}",
        example[:60].decode("utf-8", "replace"),
    )
