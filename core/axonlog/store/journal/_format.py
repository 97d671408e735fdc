"""The frames of the journal: packing them, and scanning a segment."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from axonlog.errors import CacheError

_MAGIC = b"axonlog\n"
_VERSION = 1

_SEGMENT_HEADER = struct.Struct("<8sII")
_FRAME_HEADER = struct.Struct("<Q")
_CRC = struct.Struct("<I")

HEADER_BYTES = _SEGMENT_HEADER.size + _CRC.size
_SHORTEST = _FRAME_HEADER.size + _CRC.size

NAMES, POINTS, POINTS_WITHOUT_STEP, SPECIAL_POINTS = 1, 2, 3, 4

MAX_IDS = 1 << 24


class PointsFormat(NamedTuple):
    """How the points of one tuple of names are packed, in two steps because of the checksum.

    Attributes:
        pack: Makes the frame without its CRC from header, step, time and values.
        append_crc: Makes the frame from that and the CRC.
        unpack: Reads step, time, values and CRC at an offset of a buffer.
        size_bytes: The size of the frame.
    """

    pack: Callable[..., bytes]
    append_crc: Callable[[bytes, int], bytes]
    unpack: Callable[[bytes, int], tuple[Any, ...]]
    size_bytes: int


@lru_cache(maxsize=1024)
def points_format(count: int) -> PointsFormat:
    """The format of points with ``count`` values."""
    body = struct.Struct(f"<Qqd{count}d")
    closed = struct.Struct(f"<{body.size}sI")
    whole = struct.Struct(f"<8xqd{count}dI")
    return PointsFormat(body.pack, closed.pack, whole.unpack_from, closed.size)


def frame_header(kind: int, names_id: int, size_bytes: int) -> int:
    """The first eight bytes of a frame, as one number."""
    return size_bytes | kind << 32 | names_id << 40


def segment_header(index: int) -> bytes:
    """The beginning of segment ``index``."""
    text = _SEGMENT_HEADER.pack(_MAGIC, _VERSION, index)
    return text + _CRC.pack(crc32(text))


def names_frame(names_id: int, names: Sequence[str]) -> bytes:
    """Bind ``names_id`` to ``names``."""
    return _frame(NAMES, names_id, json.dumps(names, separators=(",", ":")).encode())


def special_frame(
    names_id: int, step: int | None, moment: datetime | float, values: Sequence[float]
) -> bytes:
    """Points of any step and any moment."""
    time = moment.isoformat() if isinstance(moment, datetime) else moment
    document = {"step": step, "time": time, "values": values}
    return _frame(SPECIAL_POINTS, names_id, json.dumps(document, separators=(",", ":")).encode())


def _frame(kind: int, names_id: int, payload: bytes) -> bytes:
    size_bytes = _SHORTEST + len(payload)
    body = _FRAME_HEADER.pack(frame_header(kind, names_id, size_bytes)) + payload
    return body + _CRC.pack(crc32(body))


@dataclass
class Batch:
    """Points that were logged under the same names.

    ``values[i]`` holds one number per name, logged at ``steps[i]`` and ``times[i]``: seconds
    since 1970, or the moment that the caller gave.
    """

    names: tuple[str, ...]
    steps: list[int | None] = field(default_factory=list)
    times: list[float | datetime] = field(default_factory=list)
    values: list[tuple[float, ...]] = field(default_factory=list)


@dataclass
class Scan:
    """The content of a stretch of a segment.

    Attributes:
        batches: The points; those of one name in the order in which they were logged.
        position: The offset of the first byte that is not part of a whole frame.
        dropped_bytes: How many bytes follow there that are neither a whole frame nor zeros.
    """

    batches: list[Batch]
    position: int
    dropped_bytes: int


class _Decoder(NamedTuple):
    names: tuple[str, ...]
    unpack: Callable[[bytes, int], tuple[Any, ...]]
    has_step: bool


def scan(
    data: bytes, names_by_id: dict[int, tuple[str, ...]], *, is_beginning: bool = True
) -> Scan:
    """Read the frames of ``data``, the content of a segment or a stretch of it.

    Args:
        data: Bytes of a segment, from its header or from the beginning of a frame on.
        names_by_id: The names that the segment has bound so far; those that ``data`` binds are
            added.
        is_beginning: Whether the header comes first.

    Raises:
        CacheError: It is the segment of another version, or of something else.
    """
    batches: list[Batch] = []
    position = 0
    if is_beginning:
        if len(data) < HEADER_BYTES or not data[:HEADER_BYTES].strip(b"\0"):
            return Scan(
                batches, 0, len(data.rstrip(b"\0"))
            )  # the process died while it made the segment
        _check_header(data)
        position = HEADER_BYTES
    size, view = len(data), memoryview(data)
    unpack_header, unpack_crc = _FRAME_HEADER.unpack_from, _CRC.unpack_from
    decoders: dict[int, _Decoder] = {}
    # Names that are logged in turn (loss, accuracy, loss, ...) make one batch each, not hundreds.
    growing: dict[int, Batch] = {}
    while size - position >= _SHORTEST:
        (header,) = unpack_header(data, position)
        length = header & 0xFFFFFFFF
        end = position + length
        if length < _SHORTEST or end > size:
            break
        (crc,) = unpack_crc(data, end - 4)
        if crc32(view[position : end - 4]) != crc:
            break
        decoder = decoders.get(header)
        if decoder is not None:
            batch = growing.get(header)
            if batch is None:
                batch = _begin(decoder.names, growing)
                growing[header] = batch
                batches.append(batch)
            step, time, *values, _ = decoder.unpack(data, position)
            batch.steps.append(step if decoder.has_step else None)
            batch.times.append(time)
            batch.values.append(tuple(values))
            position = end
            continue
        kind, names_id = header >> 32 & 0xFF, header >> 40
        if kind != NAMES and names_id not in names_by_id:
            break
        if kind in (POINTS, POINTS_WITHOUT_STEP):
            names = names_by_id[names_id]
            decoders[header] = _Decoder(names, points_format(len(names)).unpack, kind == POINTS)
            continue  # to the same frame again, now with a decoder
        payload = json.loads(data[position + 8 : end - 4])
        if kind == NAMES:
            names_by_id[names_id] = tuple(payload)
        elif kind == SPECIAL_POINTS:
            special = _begin(names_by_id[names_id], growing)
            _fill_special(special, payload)
            batches.append(special)
        position = end
    return Scan(batches, position, len(data[position:].rstrip(b"\0")))


def _check_header(data: bytes) -> None:
    magic, version, _ = _SEGMENT_HEADER.unpack_from(data)
    (crc,) = _CRC.unpack_from(data, _SEGMENT_HEADER.size)
    if magic != _MAGIC or crc != crc32(data[: _SEGMENT_HEADER.size]):
        raise CacheError("not a segment of a journal")
    if version != _VERSION:
        raise CacheError(f"a journal of version {version}: read it with a newer axonlog")


def _begin(names: tuple[str, ...], growing: dict[int, Batch]) -> Batch:
    """A new batch; batches with a name in common are closed, to keep the order of its points."""
    for header, other in list(growing.items()):
        if not set(names).isdisjoint(other.names):
            del growing[header]
    return Batch(names)


def _fill_special(batch: Batch, payload: dict[str, Any]) -> None:
    time = payload["time"]
    batch.steps.append(payload["step"])
    batch.times.append(datetime.fromisoformat(time) if isinstance(time, str) else float(time))
    batch.values.append(tuple(map(float, payload["values"])))
