"""Append to the journal: the part of axonlog that runs inside the training loop."""

from __future__ import annotations

import contextlib
import itertools
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet
from zlib import crc32

from axonlog.errors import EventError
from axonlog.events import check_name, to_metric_value, to_step, to_timestamp

from ._attempt import Attempt
from ._filesystem import can_be_mapped
from ._format import (
    HEADER_BYTES,
    MAX_IDS,
    POINTS,
    POINTS_WITHOUT_STEP,
    frame_header,
    names_frame,
    points_format,
    special_frame,
)
from ._segment import MappedSegment, Segment, make_segment

_FIRST_BYTES = 256 * 1024
_SEGMENT_BYTES = 512 * 1024

# While the disk is full, log calls try it again only so often.
_RETRY_INTERVAL_S = 1.0

# How long the end of a run waits for a log call in another thread.
_LOCK_TIMEOUT_S = 2.0

# Types that `struct` may convert. Not every type with a `__float__` may: a torch tensor with a
# gradient warns there, and so does an array with a dimension.
_PLAIN: set[type] = {float, int, bool}

_clock = time.time

# Raised on the fast path for new names, a full segment, or a step or number that it cannot take.
# Nothing was written then, and the path with all checks is taken.
_NEEDS_CHECKS = (LookupError, TypeError, ValueError, OverflowError, struct.error, OSError)


# How points under one tuple of names are written to the active segment: pack, append_crc, write,
# the header of points with a step, the header of points without, the id of the names. A plain
# tuple, because a named one takes twice as long to unpack. It holds the segment's own `write`: if
# another thread still uses the entry after the journal started the next segment, the write fails,
# and never writes an id that the next segment has not bound.
_Entry = tuple[
    Callable[..., bytes], Callable[[bytes, int], bytes], Callable[[bytes], object], int, int, int
]


class Journal:
    """The journal of one attempt: what ``append`` was given survives the death of the process.

    Any thread may append, and so may a signal handler. The fast path makes no system call and takes
    no lock.

    Args:
        attempt: Its folder exists.
        accepts_records: Asked before points enter, unless it has said yes since ``suspend``: False
            drops them, an exception reaches the caller.
        on_lost: Called with the number of points that could not be kept, and why.
        mapped: Whether segments are mapped into memory; None if the file system decides.

    Raises:
        OSError: No segment can be made.
    """

    def __init__(
        self,
        attempt: Attempt,
        *,
        accepts_records: Callable[[], bool],
        on_lost: Callable[[int, OSError], None],
        mapped: bool | None = None,
    ) -> None:
        self.attempt = attempt
        self._accepts_records = accepts_records
        self._on_lost = on_lost
        self._mapped = can_be_mapped(attempt.folder) if mapped is None else mapped
        # Reentrant: a SIGTERM handler logs and ends in the thread that may hold it.
        self._lock = threading.RLock()
        self._entries: dict[tuple[str, ...], _Entry] = {}
        self._single: dict[str, _Entry] = {}
        self._ids: dict[tuple[str, ...], int] = {}
        self._indexes = itertools.count()
        self._is_closed = False
        self._bytes_before = 0
        self._sealed: list[Segment] = []
        self._spare: Segment | None = None
        self._failure: tuple[OSError, float] | None = None
        self._active = self._make(_FIRST_BYTES, at_least_bytes=0)
        _populate(self._active)
        _OPEN.add(self)

    @property
    def size_bytes(self) -> int:
        """How much has been appended in all; grows with each call that wrote something."""
        return self._bytes_before + self._active.used_bytes

    def append(self, values: Mapping[str, Any], step: Any, timestamp: Any) -> None:
        """Write numbers of one moment.

        Raises:
            EventError: Some are not acceptable. The others are kept.
        """
        # Every line here and in `append_one` costs time at each step of a training.
        try:
            if len(values) == 1:
                for name in values:
                    number = values[name]
                pack, append_crc, write, header, header_without_step, _ = self._single[name]
                if timestamp is None and type(number) in _PLAIN:
                    if step is None:
                        body = pack(header_without_step, 0, _clock(), number)
                    else:
                        body = pack(header, step, _clock(), number)
                    write(append_crc(body, crc32(body)))
                    return
            else:
                pack, append_crc, write, header, header_without_step, _ = self._entries[
                    tuple(values)
                ]
                numbers = values.values()
                if timestamp is None and _PLAIN.issuperset(map(type, numbers)):
                    if step is None:
                        body = pack(header_without_step, 0, _clock(), *numbers)
                    else:
                        body = pack(header, step, _clock(), *numbers)
                    write(append_crc(body, crc32(body)))
                    return
        except _NEEDS_CHECKS:
            pass
        self._append_checked(values, step, timestamp)

    def append_one(self, name: str, number: Any, step: Any, timestamp: Any) -> None:
        """As ``append`` for one number, in half the time.

        Raises:
            EventError: It is not acceptable.
        """
        try:
            pack, append_crc, write, header, header_without_step, _ = self._single[name]
            if timestamp is None and type(number) in _PLAIN:
                if step is None:
                    body = pack(header_without_step, 0, _clock(), number)
                else:
                    body = pack(header, step, _clock(), number)
                write(append_crc(body, crc32(body)))
                return
        except _NEEDS_CHECKS:
            pass
        self._append_checked({name: number}, step, timestamp)

    def suspend(self) -> None:
        """Ask ``accepts_records`` again before the next points."""
        with self._locked_or_timeout():
            self._entries, self._single = {}, {}

    def prepare(self) -> None:
        """Make the next segment before it is needed, in a thread that may wait for the disk."""
        segment = self._active
        if self._spare is not None or self._is_closed or segment.free_bytes > segment.used_bytes:
            return
        spare = make_segment(
            *self._next_file(), _SEGMENT_BYTES, at_least_bytes=0, mapped=self._mapped
        )
        _populate(spare)
        # Without the lock, here and below: a signal handler may have interrupted the thread that
        # holds it, and wait for this thread to end the run.
        self._spare = spare
        if self._is_superseded(segment):
            self._spare = None
            _discard(spare)

    def segments(self) -> list[Segment]:
        """The segments that hold points, in order; the last one may still grow."""
        active = self._active
        return [*(segment for segment in self._sealed if segment is not active), active]

    def drop_segment(self, segment: Segment) -> None:
        """Take a sealed segment off the list, when its points are in the event files."""
        self._sealed.remove(segment)

    def close(self) -> None:
        """Refuse all further points; what was written stays on disk."""
        with self._locked_or_timeout():
            self._is_closed = True
            self._entries, self._single = {}, {}
            self._active.seal()
            spare, self._spare = self._spare, None
        if spare is not None:
            _discard(spare)

    def release(self) -> None:
        """Release the memory of a closed journal, when its points have been read."""
        self._active.release()

    def abandon(self) -> None:
        """In a forked child: the journal is the parent's."""
        # Another thread may have held the lock during the fork; in the child nobody releases it.
        self._lock = threading.RLock()
        self._is_closed = True
        self._entries, self._single = {}, {}

    @contextlib.contextmanager
    def _locked_or_timeout(self) -> Iterator[None]:
        """Hold the lock inside the block, or go on without it after a timeout.

        A log call may be waiting for a disk that hangs. The end of the run does not wait with it:
        the call then finds the segment sealed, and its points are counted as lost.
        """
        is_held = self._lock.acquire(timeout=_LOCK_TIMEOUT_S)
        try:
            yield
        finally:
            if is_held:
                self._lock.release()

    def _append_checked(self, values: Mapping[str, Any], step: Any, timestamp: Any) -> None:
        """As ``append``, with all checks."""
        if not self._accepts_records():
            return
        position = to_step(step)
        moment = None if timestamp is None else to_timestamp(timestamp)
        kept: dict[str, float] = {}
        refused = []
        for name, value in list(values.items()):
            try:
                check_name(name)
                kept[name] = to_metric_value(value)
                _allow_fast_path(value)
            except EventError as error:
                refused.append(f"{name!r}: {error}")
        if kept:
            self._keep(tuple(kept), tuple(kept.values()), position, moment)
        if refused:
            raise EventError("; ".join(refused))

    def _keep(
        self,
        names: tuple[str, ...],
        numbers: tuple[float, ...],
        step: int | None,
        moment: datetime | None,
    ) -> None:
        try:
            with self._lock:
                # Again, now that no other thread can suspend the journal in between.
                if self._accepts_records():
                    self._write(names, numbers, step, moment)
        except OSError as error:
            self._on_lost(len(numbers), error)

    def _write(
        self,
        names: tuple[str, ...],
        numbers: tuple[float, ...],
        step: int | None,
        moment: datetime | None,
    ) -> None:
        required_bytes = 0
        for _ in range(3):  # the active segment, the spare one, a new one that is large enough
            try:
                entry = self._entries.get(names) or self._bind(names)
                frame = _frame_of(entry, numbers, step, moment)
                required_bytes = len(frame)
                entry[2](frame)
            except (ValueError, OSError):
                binding_bytes = len(names_frame(0, names))
                self._start_next_segment(HEADER_BYTES + binding_bytes + required_bytes)
            else:
                return
        raise OSError(f"{self._active.path}: {len(numbers)} points could not be written")

    def _bind(self, names: tuple[str, ...]) -> _Entry:
        names_id = self._ids.get(names)
        if names_id is None:
            names_id = len(self._ids)
            if names_id >= MAX_IDS:
                raise ValueError("the segment has no ids left")
            self._active.write(names_frame(names_id, names))
            self._ids[names] = names_id
        pack, append_crc, _, size_bytes = points_format(len(names))
        entry = (
            pack,
            append_crc,
            self._active.write,
            frame_header(POINTS, names_id, size_bytes),
            frame_header(POINTS_WITHOUT_STEP, names_id, size_bytes),
            names_id,
        )
        self._entries[names] = entry
        if len(names) == 1:
            self._single[names[0]] = entry
        return entry

    def _start_next_segment(self, at_least_bytes: int) -> None:
        """Seal the active segment and go on to the next one."""
        if self._is_closed:
            raise OSError(f"{self._active.path}: the journal is closed")
        if self._failure is not None and time.monotonic() < self._failure[1]:
            # A new error: the old one would grow by a traceback each time.
            before = self._failure[0]
            raise OSError(before.errno, before.strerror, before.filename)
        full = self._active
        try:
            fresh = self._take_spare(at_least_bytes) or self._make(
                max(_SEGMENT_BYTES, at_least_bytes), at_least_bytes=at_least_bytes
            )
        except OSError as error:
            self._failure = error, time.monotonic() + _RETRY_INTERVAL_S
            raise
        self._failure = None
        if self._is_superseded(full):  # a signal handler did it meanwhile
            _discard(fresh)
            return
        full.seal()
        self._sealed.append(full)
        self._bytes_before += full.used_bytes
        self._entries, self._single, self._ids, self._active = {}, {}, {}, fresh
        full.release()

    def _is_superseded(self, segment: Segment) -> bool:
        return self._is_closed or self._active is not segment

    def _take_spare(self, at_least_bytes: int) -> Segment | None:
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        # A segment with a later index must hold later points.
        if spare.free_bytes < at_least_bytes or spare.index < self._active.index:
            _discard(spare)
            return None
        return spare

    def _make(self, size_bytes: int, *, at_least_bytes: int) -> Segment:
        path, index = self._next_file()
        path.parent.mkdir(
            parents=True, exist_ok=True
        )  # a user may have deleted the run's directory
        return make_segment(
            path, index, size_bytes, at_least_bytes=at_least_bytes, mapped=self._mapped
        )

    def _next_file(self) -> tuple[Path, int]:
        index = next(self._indexes)
        return self.attempt.segment(index), index


def _frame_of(
    entry: _Entry, numbers: tuple[float, ...], step: int | None, moment: datetime | None
) -> bytes:
    now = _clock()
    pack, append_crc, _, header, header_without_step, names_id = entry
    if moment is None:
        try:
            body = (
                pack(header_without_step, 0, now, *numbers)
                if step is None
                else pack(header, step, now, *numbers)
            )
            return append_crc(body, crc32(body))
        except struct.error:
            pass  # a step beyond 64 bits
    return special_frame(names_id, step, now if moment is None else moment, numbers)


def _allow_fast_path(value: Any) -> None:
    """Let NumPy's scalars take the fast path from now on: they convert without a warning."""
    kind = type(value)
    if kind.__module__ == "numpy" and getattr(value, "ndim", 1) == 0 and kind.__name__ != "ndarray":
        _PLAIN.add(kind)


def _populate(segment: Segment) -> None:
    if isinstance(segment, MappedSegment):
        segment.populate()


def _discard(segment: Segment) -> None:
    segment.seal()
    segment.release()
    segment.path.unlink(missing_ok=True)


_OPEN: WeakSet[Journal] = WeakSet()


def _abandon_all() -> None:
    for journal in list(_OPEN):
        journal.abandon()


os.register_at_fork(after_in_child=_abandon_all)
