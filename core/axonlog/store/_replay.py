"""Bring journals into the event files."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axonlog.errors import CacheError

from ._event_files import EventFiles
from ._file_lock import LOCK_TIMEOUT_S, POLL_INTERVAL_S, FileLock
from ._layout import RunDirectory
from ._replay_state import Position, ReplayState
from .journal import Attempt, Journal, Scan, attempts_in, read_file, scan

_log = logging.getLogger("axonlog")

# From an offset on, so many bytes at most.
_Read = Callable[[int, int], bytes]

# A batch is some ten times as large in memory as in the journal.
_BATCH_BYTES = 128 * 1024

# It opens every file that it has rows for: of thousands of metrics it takes more, so that a file
# gets some rows each time.
_BATCH_BYTES_PER_NAME = 512
_MAX_BATCH_BYTES = 4 * 1024 * 1024

_NOTE = "drained.json"

# After so many batches (a fifth of a second) other processes get their turn at the lock.
_BATCHES_IN_A_ROW = 8


@dataclass
class _Reading:
    """Where the reading of one attempt's journal is, and the names that are bound there."""

    position: Position = (0, 0)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Replay:
    """Moves points from journals to event files: each once, also over the death of a process.

    Every batch is taken whole or not at all, one process at a time; see ``ReplayState``.

    Args:
        directory: The run.
        event_files: Its event files.

    Attributes:
        dropped_bytes: What could not be read, and was left out.
        timeout_s: How long each method waits for another process; then it raises
            ``LockTimeoutError``, and everything stays in the journal.
    """

    def __init__(self, directory: RunDirectory, event_files: EventFiles) -> None:
        self.dropped_bytes = 0
        self.timeout_s = LOCK_TIMEOUT_S
        self._batches = 0
        self._directory = directory
        self._note = directory.journal / _NOTE
        self._event_files = event_files
        self._lock = FileLock(lock_path(directory))
        self._is_taking = False
        self._readings: dict[str, _Reading] = {}

    def own(self, journal: Journal, *, deadline: float = math.inf) -> bool:
        """Bring over what this process has logged so far.

        Args:
            journal: Of this process.
            deadline: When to stop after a batch, by ``time.monotonic``.

        Returns:
            Whether all of it is in the event files; not so after the deadline, and where a signal
            handler asks in the middle of a batch.

        Raises:
            OSError: The files cannot be written; nothing was, and the journal keeps it all.
        """
        *sealed, active = journal.segments()
        for segment in sealed:
            try:
                read = segment.read
                if self._segment(journal.attempt, segment.index, read, deadline) is None:
                    return False
            except FileNotFoundError:
                _log.warning("%s was deleted, with points that no event file has", segment.path)
            journal.forget(segment)
            segment.path.unlink(missing_ok=True)
        return self._segment(journal.attempt, active.index, active.read, deadline) is not None

    def left(self, attempt: Attempt) -> int:
        """Bring over what a process has left that writes no more.

        Returns:
            The number of points that are new in the event files.

        Raises:
            CacheError: A segment cannot be understood.
            OSError: The files cannot be written; nothing was, and the journal keeps it all.
        """
        points = 0
        for index in attempt.indexes:
            path = attempt.segment(index)
            # Somebody else may have been faster.
            with contextlib.suppress(FileNotFoundError):
                points += self._segment(attempt, index, functools.partial(read_file, path)) or 0
        return points

    def forget(self, attempt: Attempt, *, keeps_status: bool = False) -> None:
        """Take away the files of an attempt that is through, and the folder after the last one.

        Args:
            attempt: All of whose points are in the event files.
            keeps_status: Leave what says who wrote the attempt and how it ended, for whoever
                can judge that later.

        Raises:
            OSError: They cannot be taken away.
        """
        with self._lock.held(timeout_s=self.timeout_s):
            for file in attempts_in(attempt.folder):
                if file.name == attempt.name:
                    for index in file.indexes:
                        file.segment(index).unlink(missing_ok=True)
            self._readings.pop(attempt.name, None)
            if not keeps_status:
                attempt.owner.unlink(missing_ok=True)
                attempt.status.unlink(missing_ok=True)
            if keeps_status or not self.tidy():
                state = self._load()
                state.positions.pop(attempt.name, None)
                state.save(self._note)

    def tidy(self) -> bool:
        """Take the folder away if no attempt has anything in it; whether that was so.

        Raises:
            OSError: It cannot be taken away.
        """
        folder = self._directory.journal
        with self._lock.held(timeout_s=self.timeout_s):
            if attempts_in(folder):
                return False
            with contextlib.suppress(OSError):  # something of somebody else's is in there
                for rest in folder.iterdir():  # notes, and what a death left of writing them
                    rest.unlink(missing_ok=True)
                folder.rmdir()
                self._directory.private.rmdir()
            return True

    @contextlib.contextmanager
    def between_batches(self) -> Iterator[None]:
        """While no batch is under way, here or in another process.

        Raises:
            OSError: A half batch cannot be taken back.
        """
        with self._lock.held(timeout_s=self.timeout_s):
            self._load()
            yield

    def _segment(
        self, attempt: Attempt, index: int, read: _Read, deadline: float = math.inf
    ) -> int | None:
        """What is new in a segment.

        Returns:
            The number of points; None in the middle of a batch or after the deadline.
        """
        points, limit_bytes = 0, _BATCH_BYTES
        while True:
            if time.monotonic() >= deadline:
                return None
            self._give_way()
            with self._lock.held(timeout_s=self.timeout_s):
                if self._is_taking:
                    return None
                state = self._load()
                reading = self._readings.setdefault(attempt.name, _Reading())
                position = max(reading.position, state.positions.get(attempt.name, (0, 0)))
                if position[0] > index:
                    return points
                offset = position[1] if position[0] == index else 0
                if reading.position != (index, offset):
                    reading.names = {}
                    if offset:
                        scan(read(0, offset), reading.names)
                data = read(offset, limit_bytes)
                scanned = scan(data, reading.names, is_beginning=offset == 0)
                after = (index, offset + scanned.position)
                if scanned.batches:
                    self._take(scanned, state, attempt.name, after)
                reading.position = after
            points += sum(len(batch.names) * len(batch.steps) for batch in scanned.batches)
            if len(data) < limit_bytes:
                self.dropped_bytes += scanned.dropped_bytes
                return points
            if not scanned.position:  # a frame that is longer than that
                limit_bytes *= 2
            names = max((len(batch.names) for batch in scanned.batches), default=0)
            wanted_bytes = min(_MAX_BATCH_BYTES, names * _BATCH_BYTES_PER_NAME)
            limit_bytes = max(limit_bytes, wanted_bytes)

    def _give_way(self) -> None:
        """Let others have the lock now and then: who polls for it would hardly ever meet a gap."""
        self._batches += 1
        if self._batches % _BATCHES_IN_A_ROW == 0:
            time.sleep(1.5 * POLL_INTERVAL_S)

    def _take(self, scanned: Scan, state: ReplayState, attempt: str, after: Position) -> None:
        rows = self._event_files.compose(scanned.batches)
        sizes_bytes = state.undo = self._event_files.sizes_of(rows)
        state.save(self._note)
        self._is_taking = True
        try:
            self._event_files.append(rows)
            state.positions[attempt] = after
            state.undo = {}
            state.save(self._note)
        except BaseException:
            # The note stays: taking back twice does no harm.
            with contextlib.suppress(OSError):
                self._event_files.restore(sizes_bytes)
            raise
        finally:
            self._is_taking = False

    def _load(self) -> ReplayState:
        """The note, after a half batch that somebody left has been taken back."""
        state = ReplayState.load(self._note)
        if state.undo:
            self._event_files.restore(state.undo)
            state.undo = {}
            state.save(self._note)
        return state


@dataclass(frozen=True)
class Unreplayed:
    """What journals hold and event files do not have.

    Attributes:
        points: How many points.
        unreadable: Segments that cannot be understood, whatever they hold.
    """

    points: int = 0
    unreadable: tuple[Path, ...] = ()


def unreplayed(path: Path, *, is_counted: Callable[[Attempt], bool]) -> Unreplayed:
    """Count what the journals of the run in ``path`` hold and its event files do not have.

    Args:
        path: The run's directory.
        is_counted: Asked for each attempt.

    Raises:
        CacheError: What says how far the journals have been read cannot be understood.
        OSError: Something there cannot be read.
    """
    folder = RunDirectory(path).journal
    attempts = [item for item in attempts_in(folder) if item.indexes and is_counted(item)]
    if not attempts:
        return Unreplayed()
    positions = ReplayState.load(folder / _NOTE).positions
    points, unreadable = 0, []
    for attempt in attempts:
        position = positions.get(attempt.name, (0, 0))
        for index in attempt.indexes:
            if index < position[0]:
                continue
            try:
                data = attempt.segment(index).read_bytes()
                points += _count(data, position[1] if index == position[0] else 0)
            except FileNotFoundError:
                continue  # brought over in this moment
            except CacheError:
                unreadable.append(attempt.segment(index))
    return Unreplayed(points, tuple(unreadable))


def lock_path(directory: RunDirectory) -> Path:
    """What whoever moves points of the run, or takes files of its journal away, holds locked."""
    return directory.journal / "lock"


def _count(data: bytes, offset: int) -> int:
    if offset >= len(data.rstrip(b"\0")):
        return 0  # mostly so, and reading the names below would mean reading everything
    names: dict[int, tuple[str, ...]] = {}
    if offset:
        scan(data[:offset], names)
    batches = scan(data[offset:], names, is_beginning=not offset).batches
    return sum(len(batch.names) * len(batch.steps) for batch in batches)
