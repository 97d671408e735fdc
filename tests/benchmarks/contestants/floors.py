"""The least that a tracker could do: ten lines that keep every number and do nothing else."""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

_RECORD = struct.Struct("<HIdd")
_GROWTH_BYTES = 1 << 22


class MappedFloor:
    """A record of 22 bytes for each number, packed into a file in memory that grows by 4 MiB."""

    import_statement: ClassVar[str] = "import mmap, struct"
    variables: ClassVar[Mapping[str, str]] = {}

    def start(self, directory: Path) -> None:
        self._file = (directory / "points").open("w+b")
        self._names = (directory / "names").open("w", buffering=1, encoding="utf-8")
        self._size = self._offset = 0
        self._ids: dict[str, int] = {}
        self._grow()

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        now, ids, pack, width = time.time(), self._ids, _RECORD.pack_into, _RECORD.size
        for name, value in metrics.items():
            number = ids.get(name)
            if number is None:
                number = ids[name] = len(ids)
                self._names.write(f"{name}\n")
            if self._offset + width > self._size:
                self._grow()
            pack(self._map, self._offset, number, step, now, value)
            self._offset += width

    def finish(self) -> None:
        self._map.close()
        self._file.truncate(self._offset)
        self._file.close()
        self._names.close()

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        number = (directory / "names").read_text(encoding="utf-8").splitlines().index(name)
        data = (directory / "points").read_bytes()
        whole = len(data) - len(data) % _RECORD.size
        rows = _RECORD.iter_unpack(data[:whole])
        return [(step, value) for found, step, when, value in rows if found == number and when]

    def _grow(self) -> None:
        self._size += _GROWTH_BYTES
        os.posix_fallocate(self._file.fileno(), 0, self._size)
        self._map = mmap.mmap(self._file.fileno(), self._size)


class WrittenFloor:
    """A line of text for each number, one ``write`` for each call."""

    import_statement: ClassVar[str] = "import os"
    variables: ClassVar[Mapping[str, str]] = {}

    def start(self, directory: Path) -> None:
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        self._file = os.open(directory / "points", flags, 0o666)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        now = time.time()
        lines = [f"{name}|{step}|{now:.3f}|{value!r}\n" for name, value in metrics.items()]
        os.write(self._file, "".join(lines).encode())

    def finish(self) -> None:
        os.close(self._file)

    @staticmethod
    def recover(directory: Path, name: str) -> list[tuple[int, float]]:
        lines = (directory / "points").read_text(encoding="utf-8").split("\n")[:-1]
        rows = (line.split("|") for line in lines)
        return [(int(step), float(value)) for found, step, _, value in rows if found == name]
