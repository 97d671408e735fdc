"""A file on its way to the server: a multipart body that is read from disk as it is sent."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import quote

from axonlog.errors import AxonlogError, EventError

Progress = Callable[[int, int], None]

# A socket's time limit is for one block, so that a block must fit a slow line: at 1 kB/s, 16 s.
_BLOCK_BYTES = 16 * 1024


class SourceError(AxonlogError):
    """The file cannot be read to the length it had when its sending began."""


class MultipartFile:
    """The parts ``upload_file`` and ``json`` of an upload, of known length and constant memory.

    Sends the ``size_bytes`` that the file has from its position on, no more if it grows meanwhile.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        size_bytes: int,
        name: str,
        fields: dict[str, object],
        on_progress: Progress | None = None,
    ) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        self._size = size_bytes
        self._unread = size_bytes
        self._on_progress = on_progress
        self._head = _head(boundary, name=name, fields=fields)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._length = len(self._head) + size_bytes + len(self._tail)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_BLOCK_BYTES):
            yield block

    def read(self, size: int = -1) -> bytes:
        """The next block, empty at the end.

        Raises:
            SourceError: The file ends too early or cannot be read.
        """
        size = _BLOCK_BYTES if size < 0 else size
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        if self._unread:
            return self._read_file(min(size, self._unread))
        block, self._tail = self._tail[:size], self._tail[size:]
        return block

    def _read_file(self, size: int) -> bytes:
        try:
            block = self._file.read(size)
        except OSError as error:
            # As an OSError it would be taken for one of the connection.
            raise SourceError(f"cannot be read: {error.strerror}") from error
        if not block:
            raise SourceError(f"ended {self._unread} bytes early: it was cut while it was sent")
        self._unread -= len(block)
        if self._on_progress is not None:
            self._on_progress(self._size - self._unread, self._size)
        return block


def check_file_name(name: str) -> None:
    """Refuse a name that the server would silently change.

    Raises:
        EventError: It holds a backslash, an HTML entity or an unprintable character.
    """
    if "\\" in name or not name.isprintable() or html.unescape(name) != name:
        raise EventError(
            f"{name!r}: the server does not keep this file name; rename the file, "
            "or send it in a tar"
        )


def _head(boundary: str, *, name: str, fields: dict[str, object]) -> bytes:
    # RFC 5987: the only spelling in which quotes, percent signs and umlauts all survive.
    encoded = quote(name, safe="")
    return (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="json"\r\n\r\n'
        f"{json.dumps(fields)}\r\n"
        f"--{boundary}\r\n"
        f"Content-Disposition: form-data; name=\"upload_file\"; filename*=UTF-8''{encoded}\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
