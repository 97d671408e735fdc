"""Events whose encoding is still to come, on disk before the log call returns.

An image is compressed in the background, after the call. Until its row is in the event file, what
the call was given lies in a file of ``.axonlog/spool``: it outlives the process, and whoever
repairs the run encodes it then.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from axonlog.errors import CacheError
from axonlog.events import event_row

from ._event_files import EventFiles
from ._file_lock import FileLock
from ._layout import RunDirectory
from ._owner import is_owner_alive
from .journal import Attempt

_log = logging.getLogger("axonlog")

_MAGIC = b"axonspl1"
_PREFIX = struct.Struct("<8sII")  # then JSON of that many bytes, then the buffers; CRC-32 of both

_NAME = re.compile(r"(?P<attempt>[0-9a-f]+-\d+)\.(?P<index>\d+)\.event")
_SET_ASIDE_SUFFIX = ".unreadable"

# So often the folder is made again that another process takes away in the same moment.
_MAX_ATTEMPTS = 100

# The kernel takes so many buffers in one call.
_MAX_BUFFERS = 1000

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class SpooledEvent:
    """What a log call was given, as it is kept until it is encoded.

    Attributes:
        name: Of the series.
        step: Of the event.
        timestamp: With a time zone.
        kind: Of the event.
        encoder: Which encoder takes it.
        parameters: What the encoder needs beside the bytes; JSON values.
        buffers: Bytes.
        source: A file or folder that becomes the event's asset, if there is one.
    """

    name: str
    step: int | None
    timestamp: datetime
    kind: str
    encoder: str
    parameters: Mapping[str, Any]
    buffers: tuple[Buffer, ...] = ()
    source: Path | None = None


@dataclass(frozen=True, order=True)
class Ticket:
    """One file of a spool; tickets sort in the order in which the calls came.

    ``attempt`` is that of the process which made it, and ``index`` counts its calls.
    """

    attempt: str
    index: int
    path: Path

    def take(self) -> SpooledEvent:
        """The event, which stays on disk until ``done``.

        Raises:
            CacheError: The file is torn, or something else.
            OSError: It cannot be read.
        """
        content = self.path.read_bytes()
        try:
            magic, length, crc = _PREFIX.unpack_from(content)
            body = memoryview(content)[_PREFIX.size :]
            if magic != _MAGIC or crc32(body) != crc:
                raise ValueError("it is torn, or of another version")
            header = json.loads(bytes(body[:length]))
            ends = [*itertools.accumulate(header["sizes_bytes"], initial=length)]
            source = header["source"]
            return SpooledEvent(
                name=header["name"],
                step=header["step"],
                timestamp=datetime.fromisoformat(header["timestamp"]),
                kind=header["kind"],
                encoder=header["encoder"],
                parameters=header["parameters"],
                buffers=tuple(body[start:end] for start, end in itertools.pairwise(ends)),
                source=None if source is None else Path(source),
            )
        except (KeyError, TypeError, ValueError, struct.error) as error:
            raise CacheError(f"{self.path}: not an event: {error}", path=self.path) from error

    def done(self) -> None:
        """Take an event out of the spool: its row is in the event file.

        Raises:
            OSError: It cannot be taken away.
        """
        self.path.unlink(missing_ok=True)

    def set_aside(self, error: Exception) -> None:
        """Keep an event that cannot be brought into its file, and report it.

        Raises:
            OSError: It cannot be renamed.
        """
        aside = self.path.with_name(self.path.name + _SET_ASIDE_SUFFIX)
        self.path.replace(aside)
        _log.warning(
            "an event could not be brought into its file and is kept as %s: %s", aside, error
        )


class Spool:
    """The spool of one attempt. Any thread may put events in.

    Args:
        directory: The run.
        attempt: The name of this process's attempt.
    """

    def __init__(self, directory: RunDirectory, attempt: str) -> None:
        self._folder = directory.spool
        self._attempt = attempt
        self._indexes = itertools.count()

    def put(self, event: SpooledEvent) -> Ticket:
        """Keep an event on disk; it is in the kernel's hands when this returns.

        Raises:
            OSError: It could not be written whole; nothing of it is left.
        """
        index = next(self._indexes)
        ticket = Ticket(self._attempt, index, self._folder / f"{self._attempt}.{index:08d}.event")
        parts = _to_parts(event)
        for attempt in itertools.count(1):
            try:
                _write(ticket.path, parts)
            except FileNotFoundError:
                # Not made yet, or another process that had emptied it took it away just now.
                if attempt == _MAX_ATTEMPTS:
                    raise
                self._folder.mkdir(parents=True, exist_ok=True)
            else:
                break
        return ticket

    def pending(self) -> list[Ticket]:
        """The events of this attempt that are not done, in the order of the calls."""
        return [ticket for ticket in _tickets_in(self._folder) if ticket.attempt == self._attempt]

    def close(self) -> None:
        """Take the folder away if nothing is in it any more."""
        _remove_if_empty(self._folder)


def pending_events(directory: RunDirectory) -> list[Ticket]:
    """What lies in the spool of a run, in the order of the calls; empty where there is none."""
    return _tickets_in(directory.spool)


def spooled_by_dead(directory: RunDirectory) -> list[Ticket]:
    """As ``pending_events``, without those of processes that still write the run."""
    tickets = _tickets_in(directory.spool)
    attempts = {ticket.attempt for ticket in tickets}
    alive = {name for name in attempts if is_owner_alive(Attempt(directory.journal, name).owner)}
    return [ticket for ticket in tickets if ticket.attempt not in alive]


def replay_events(
    directory: RunDirectory, event_files: EventFiles, encode: Callable[[SpooledEvent], Any]
) -> int:
    """Encode events that dead processes left, and append their rows in the order of the calls.

    An event that cannot be read or encoded is reported and set aside, as ``<file>.unreadable``.
    Where a library is missing, the event and the later ones of its series stay for a process that
    has it. The row of a process that died between writing it and taking the event out of the
    spool is not written again. Where another process is at it, nothing is done.

    Args:
        directory: The run.
        event_files: Of the run.
        encode: From an event to the value of its row (see ``event_row``); writes the asset.

    Returns:
        How many events have a row now that had none in the event files.

    Raises:
        OSError: A file cannot be read or written; what is not done stays in the spool.
    """
    if not spooled_by_dead(directory):
        return 0
    lock_file = directory.spool / "lock"
    with FileLock(lock_file, makes_folder=False).held_if_free() as is_held:
        if not is_held:
            return 0
        events = _replay(spooled_by_dead(directory), event_files, encode)
        if not _tickets_in(directory.spool):
            lock_file.unlink(missing_ok=True)
            _remove_if_empty(directory.spool)
    return events


def _replay(
    tickets: Sequence[Ticket], event_files: EventFiles, encode: Callable[[SpooledEvent], Any]
) -> int:
    events = 0
    begun: set[tuple[str, str, str]] = set()
    waiting: set[tuple[str, str]] = set()
    for ticket in tickets:
        try:
            event = ticket.take()
            series = event.kind, event.name
            if series in waiting:
                continue
            value = encode(event)
        except ImportError as error:
            waiting.add(series)
            _log.warning(
                "%s %r, step %s, waits in %s: %s",
                event.kind,
                event.name,
                event.step,
                ticket.path.parent,
                error,
            )
            continue
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  # an encoder may raise anything; the others go on
            ticket.set_aside(error)
            continue
        # Only the first one of each process and series may have its row: each was appended before
        # the next one was encoded.
        is_first = (ticket.attempt, *series) not in begun
        begun.add((ticket.attempt, *series))
        row = event_row(event.kind, event.step, event.timestamp, value)
        if not (is_first and event_files.has_row(event.kind, event.name, row)):
            event_files.append_event(event.kind, event.name, event.step, event.timestamp, value)
            events += 1
        ticket.done()
    return events


def _to_parts(event: SpooledEvent) -> list[Buffer]:
    # An empty view cannot be cast.
    buffers = [
        memoryview(item).cast("B") if len(item) else memoryview(b"") for item in event.buffers
    ]
    document = {
        "name": event.name,
        "step": event.step,
        "timestamp": event.timestamp.isoformat(),
        "kind": str(event.kind),
        "encoder": event.encoder,
        "parameters": dict(event.parameters),
        "sizes_bytes": [buffer.nbytes for buffer in buffers],
        "source": None if event.source is None else str(event.source),
    }
    header = json.dumps(document, separators=(",", ":")).encode()
    crc = crc32(header)
    for buffer in buffers:
        crc = crc32(buffer, crc)
    return [_PREFIX.pack(_MAGIC, len(header), crc) + header, *buffers]


def _write(path: Path, parts: list[Buffer]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    # What a user logs may be private, and nobody else has to read it here.
    descriptor = os.open(path, flags, 0o600)
    try:
        views = [memoryview(part) for part in parts if len(part)]
        while views:
            written = os.writev(descriptor, views[:_MAX_BUFFERS])
            while views and written >= views[0].nbytes:
                written -= views.pop(0).nbytes
            if views and written:
                views[0] = views[0][written:]
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _tickets_in(folder: Path) -> list[Ticket]:
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = filter(None, map(_NAME.fullmatch, names))
    return sorted(
        Ticket(match["attempt"], int(match["index"]), folder / match[0]) for match in matches
    )


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # something is in it
        folder.rmdir()
