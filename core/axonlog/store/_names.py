"""Allocate a file to each name of a series: two names never share one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from axonlog.errors import CacheError
from axonlog.events import clean_name

from ._atomic import write_json
from ._file_signature import FileSignature

_DIGEST_LENGTH = 12
_STEM_LENGTH = 187  # with a hyphen and the digest at most 200


class EventNames:
    """Gives each name of a kind the stem of its file.

    It is the one that Polyaxon would take (``clean_name``), unless another name has that one
    already: ``a/b`` is filed as ``a__b``, and a later ``a__b`` as ``a__b-<digest>``.

    While a run goes on, ``allocated`` holds all names. ``collisions`` stays with the run; it is
    written only if two names would have shared a file, and lists those.

    Args:
        collisions: The file that stays: ``{kind: {stem: name}}``.
        allocated: The file that is there as long as the journal is.

    Raises:
        CacheError: One of them cannot be understood.
        OSError: One of them cannot be read.
    """

    def __init__(self, collisions: Path, allocated: Path) -> None:
        self._collisions_path = collisions
        self._allocated_path = allocated
        self._collisions: dict[str, dict[str, str]] = {}
        self._allocated: dict[str, dict[str, str]] = {}
        self._stems: dict[tuple[str, str], str] = {}
        self._signature: FileSignature | None = None
        self._is_saved = True
        self._read()

    def catch_up(self) -> None:
        """Read the names that other processes have allocated since.

        Raises:
            CacheError: It cannot be understood.
            OSError: It cannot be read.
        """
        if FileSignature.of(self._allocated_path) != self._signature:
            self._read()

    def stem(self, kind: str, name: str) -> str:
        """The name of the file, without its extension.

        Raises:
            EventError: ``name`` is not a string, or is empty.
        """
        stem = self._stems.get((kind, name))
        if stem is None:
            stem = self._stems[(kind, name)] = self._choose(kind, name)
            self._is_saved = False
        return stem

    def save(self) -> None:
        """Write the names that are new since the last time.

        Raises:
            OSError: They cannot be written.
        """
        if not self._is_saved:
            write_json(self._allocated_path, self._allocated, compact=True, ascii_only=True)
            if self._collisions:
                write_json(self._collisions_path, self._collisions, ascii_only=True)
            self._signature = FileSignature.of(self._allocated_path)
            self._is_saved = True

    def _read(self) -> None:
        self._signature = FileSignature.of(self._allocated_path)
        for known, path in (
            (self._collisions, self._collisions_path),
            (self._allocated, self._allocated_path),
        ):
            for kind, names in _read(path).items():
                known.setdefault(kind, {}).update(names)
        for kind, names in self._collisions.items():
            self._allocated.setdefault(kind, {}).update(names)
        for kind, names in self._allocated.items():
            self._stems.update({(kind, name): stem for stem, name in names.items()})

    def _choose(self, kind: str, name: str) -> str:
        allocated = self._allocated.setdefault(kind, {})
        stem = plain = clean_name(name)
        length = _DIGEST_LENGTH
        while allocated.setdefault(stem, name) != name:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            stem = f"{plain[:_STEM_LENGTH]}-{digest[:length]}"
            length += 1  # a user may have named a metric like the digest of another one
        if stem != plain:
            collisions = self._collisions.setdefault(kind, {})
            collisions.update({plain: allocated[plain], stem: name})
        return stem


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        names: dict[str, dict[str, str]] = json.loads(path.read_bytes())
        return {kind: dict(stems) for kind, stems in names.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, TypeError, ValueError) as error:
        raise CacheError(f"{path}: not a list of names: {error}", path=path) from error
