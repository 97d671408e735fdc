"""Replay journals into the event files."""

from __future__ import annotations

import contextlib
import functools
import json
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
from .journal import Attempt, Journal, Scan, attempts_in, read_file, scan

_log = logging.getLogger("axonlog")

# Reads at an offset, at most so many bytes.
_Read = Callable[[int, int], bytes]

# A batch is some ten times as large in memory as in the journal.
_BATCH_BYTES = 128 * 1024

# A batch opens every file that it has rows for. Where a run has thousands of metrics, a batch is
# larger, so that each file gets several rows at once.
_BATCH_BYTES_PER_NAME = 512
_MAX_BATCH_BYTES = 4 * 1024 * 1024

# The name on disk is older than the class, and runs that are not repaired yet have it.
_STATE_FILE = "drained.json"

# After so many batches (a fifth of a second) the lock is left free for a moment.
_BATCHES_IN_A_ROW = 8


# Where in an attempt's journal: index of the segment, bytes from its beginning.
Position = tuple[int, int]


@dataclass
class ReplayState:
    """How far the journals have been replayed: ``drained.json`` in the journal's folder.

    Rows of one batch go to many files, and the process may be killed between any two of them.
    So the sizes of the files are saved first. Whoever finds such sizes truncates the files to
    them, which rolls the partial batch back, and replays it from the positions. These move only
    when a batch is complete.

    Attributes:
        positions: For each attempt, the position before which all points are in the event files.
        undo: The size of each file before the batch that is being appended, by path relative to
            the run; 0 for a file that did not exist.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    undo: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> ReplayState:
        """What ``path`` says; nothing where it is missing.

        Raises:
            CacheError: It cannot be understood.
            OSError: It cannot be read.
        """
        try:
            document = json.loads(path.read_bytes())
            positions = {
                name: (index, offset) for name, (index, offset) in document["positions"].items()
            }
            return cls(positions, dict(document["undo"]))
        except FileNotFoundError:
            return cls()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CacheError(f"{path}: not the state of a replay: {error}", path=path) from error

    def save(self, path: Path) -> None:
        """Replace ``path``; the caller holds the lock.

        Raises:
            OSError: It cannot be written; it is as it was before.
        """
        temporary = path.with_name(f".{path.name}.tmp")
        document = {"positions": self.positions, "undo": self.undo}
        try:
            temporary.write_text(json.dumps(document), encoding="utf-8")
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


@dataclass
class _Reading:
    """The position in one attempt's journal, and the names that are bound in that segment."""

    position: Position = (0, 0)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)


class JournalReplay:
    """Appends the points of journals to event files, exactly once, whenever a process may die.

    A batch is appended whole or not at all, by one process at a time; see ``ReplayState``.

    Args:
        directory: The run.
        event_files: Its event files.

    Attributes:
        dropped_bytes: How much of the journals could not be read and was left out.
        timeout_s: How long each method waits for another process; then it raises
            ``LockTimeoutError``, and everything stays in the journal.
    """

    def __init__(self, directory: RunDirectory, event_files: EventFiles) -> None:
        self.dropped_bytes = 0
        self.timeout_s = LOCK_TIMEOUT_S
        self._batches = 0
        self._directory = directory
        self._state_file = directory.journal / _STATE_FILE
        self._event_files = event_files
        self._lock = FileLock(lock_path(directory))
        self._is_appending = False
        self._readings: dict[str, _Reading] = {}

    def replay_journal(self, journal: Journal, *, deadline: float = math.inf) -> bool:
        """Replay what this process has logged so far.

        Args:
            journal: This process's own.
            deadline: When to stop after a batch, by ``time.monotonic``.

        Returns:
            Whether all of it is in the event files. False after the deadline, and for a signal
            handler that interrupted a batch.

        Raises:
            OSError: The files cannot be written; nothing was, and the journal keeps it all.
        """
        *sealed, active = journal.segments()
        for segment in sealed:
            try:
                read = segment.read
                if self._replay_segment(journal.attempt, segment.index, read, deadline) is None:
                    return False
            except FileNotFoundError:
                _log.warning("%s was deleted, with points that no event file has", segment.path)
            journal.drop_segment(segment)
            segment.path.unlink(missing_ok=True)
        return (
            self._replay_segment(journal.attempt, active.index, active.read, deadline) is not None
        )

    def replay_attempt(self, attempt: Attempt) -> int:
        """Replay what a dead process has left.

        Returns:
            The number of points that are new in the event files.

        Raises:
            CacheError: A segment cannot be understood.
            OSError: The files cannot be written; nothing was, and the journal keeps it all.
        """
        points = 0
        for index in attempt.indexes:
            path = attempt.segment(index)
            # Another process may have replayed it first.
            with contextlib.suppress(FileNotFoundError):
                points += (
                    self._replay_segment(attempt, index, functools.partial(read_file, path)) or 0
                )
        return points

    def remove_attempt(self, attempt: Attempt, *, keeps_status: bool = False) -> None:
        """Remove the files of an attempt, and the journal's folder after the last one.

        Args:
            attempt: One whose points are all in the event files.
            keeps_status: Leave the owner and the status, for a process that can tell later
                whether the owner is dead.

        Raises:
            OSError: They cannot be removed.
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
            if keeps_status or not self.remove_folder_if_empty():
                state = self._load_state()
                state.positions.pop(attempt.name, None)
                state.save(self._state_file)

    def remove_folder_if_empty(self) -> bool:
        """Remove the folder if no attempt has a file in it; whether it did.

        Raises:
            OSError: It cannot be removed.
        """
        folder = self._directory.journal
        with self._lock.held(timeout_s=self.timeout_s):
            if attempts_in(folder):
                return False
            with contextlib.suppress(OSError):  # somebody put something else in there
                for rest in folder.iterdir():  # its own state, and temporary files
                    rest.unlink(missing_ok=True)
                folder.rmdir()
                self._directory.private.rmdir()
            return True

    @contextlib.contextmanager
    def between_batches(self) -> Iterator[None]:
        """Hold the lock between two batches, after a partial one has been rolled back.

        Raises:
            OSError: A partial batch cannot be rolled back.
        """
        with self._lock.held(timeout_s=self.timeout_s):
            self._load_state()
            yield

    def _replay_segment(
        self, attempt: Attempt, index: int, read: _Read, deadline: float = math.inf
    ) -> int | None:
        """Replay what is new in a segment.

        Returns:
            The number of points; None in the middle of a batch or after the deadline.
        """
        points, limit_bytes = 0, _BATCH_BYTES
        while True:
            if time.monotonic() >= deadline:
                return None
            self._yield_lock()
            with self._lock.held(timeout_s=self.timeout_s):
                if self._is_appending:
                    return None
                state = self._load_state()
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
                    self._append_batch(scanned, state, attempt.name, after)
                reading.position = after
            points += sum(len(batch.names) * len(batch.steps) for batch in scanned.batches)
            if len(data) < limit_bytes:
                self.dropped_bytes += scanned.dropped_bytes
                return points
            if not scanned.position:  # one frame is longer than the limit
                limit_bytes *= 2
            names = max((len(batch.names) for batch in scanned.batches), default=0)
            wanted_bytes = min(_MAX_BATCH_BYTES, names * _BATCH_BYTES_PER_NAME)
            limit_bytes = max(limit_bytes, wanted_bytes)

    def _yield_lock(self) -> None:
        """Leave the lock free now and then, for processes that poll for it."""
        self._batches += 1
        if self._batches % _BATCHES_IN_A_ROW == 0:
            time.sleep(1.5 * POLL_INTERVAL_S)

    def _append_batch(
        self, scanned: Scan, state: ReplayState, attempt: str, after: Position
    ) -> None:
        rows = self._event_files.compose(scanned.batches)
        sizes_bytes = state.undo = self._event_files.sizes_of(rows)
        state.save(self._state_file)
        self._is_appending = True
        try:
            self._event_files.append(rows)
            state.positions[attempt] = after
            state.undo = {}
            state.save(self._state_file)
        except BaseException:
            # The saved sizes stay: rolling back twice does no harm.
            with contextlib.suppress(OSError):
                self._event_files.roll_back(sizes_bytes)
            raise
        finally:
            self._is_appending = False

    def _load_state(self) -> ReplayState:
        """The state, after a partial batch that another process left has been rolled back."""
        state = ReplayState.load(self._state_file)
        if state.undo:
            self._event_files.roll_back(state.undo)
            state.undo = {}
            state.save(self._state_file)
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


def scan_unreplayed(path: Path, *, is_counted: Callable[[Attempt], bool]) -> Unreplayed:
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
    positions = ReplayState.load(folder / _STATE_FILE).positions
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
                continue  # replayed just now
            except CacheError:
                unreadable.append(attempt.segment(index))
    return Unreplayed(points, tuple(unreadable))


def lock_path(directory: RunDirectory) -> Path:
    """The lock that is held to append points of the run, and to remove files of its journal."""
    return directory.journal / "lock"


def _count(data: bytes, offset: int) -> int:
    if offset >= len(data.rstrip(b"\0")):
        return 0  # the usual case; reading the names below means reading everything
    names: dict[int, tuple[str, ...]] = {}
    if offset:
        scan(data[:offset], names)
    batches = scan(data[offset:], names, is_beginning=not offset).batches
    return sum(len(batch.names) * len(batch.steps) for batch in batches)
