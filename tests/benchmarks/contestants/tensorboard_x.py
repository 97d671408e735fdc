"""tensorboardX, with all its defaults."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar


class TensorboardX:
    """One ``add_scalar`` for each number: it has no call for several."""

    import_statement: ClassVar[str] = "import tensorboardX"
    variables: ClassVar[Mapping[str, str]] = {}

    def start(self, directory: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(os.fspath(directory))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        add_scalar = self._writer.add_scalar
        for name, value in metrics.items():
            add_scalar(name, value, step)

    def finish(self) -> None:
        self._writer.close()

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        from tensorboardX.proto.event_pb2 import Event

        found = []
        for file in directory.rglob("*tfevents*"):
            for record in _records(file.read_bytes()):
                event = Event.FromString(record)
                found += [
                    (event.step, value.simple_value)
                    for value in event.summary.value
                    if value.tag == name
                ]
        return found


def _records(data: bytes) -> Iterator[bytes]:
    """The records of a TFRecord file: length, its checksum, content, its checksum."""
    offset = 0
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, offset)
        if offset + 16 + length > len(data):
            return
        yield data[offset + 12 : offset + 12 + length]
        offset += 16 + length
