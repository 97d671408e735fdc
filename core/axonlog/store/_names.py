"""Which file holds the events of which name: two names never share one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from axonlog.errors import CacheError
from axonlog.events import clean_name

from ._atomic import Stamp, file_stamp, write_json

_DIGEST_LENGTH = 12
_STEM_LENGTH = 187  # with a hyphen and the digest at most 200


class EventNames:
    """Gives each name of a kind the stem of its file.

    It is the one that Polyaxon would take (``clean_name``), unless another name has that one
    already: ``a/b`` is filed as ``a__b``, and a later ``a__b`` as ``a__b-<digest>``.

    While a run goes on, all names are noted in ``claims``; what stays with the run is ``told``,
    which is written only if two names met, and lists those that did.

    Args:
        told: The file that stays: ``{kind: {stem: name}}``.
        claims: The file that is there as long as the journal is.

    Raises:
        CacheError: One of them cannot be understood.
        OSError: One of them cannot be read.
    """

    def __init__(self, told: Path, claims: Path) -> None:
        self._told_path = told
        self._claims_path = claims
        self._told: dict[str, dict[str, str]] = {}
        self._claims: dict[str, dict[str, str]] = {}
        self._stems: dict[tuple[str, str], str] = {}
        self._seen: Stamp | None = None
        self._is_noted = True
        self._read()

    def catch_up(self) -> None:
        """Take over what other processes have noted meanwhile.

        Raises:
            CacheError: It cannot be understood.
            OSError: It cannot be read.
        """
        if file_stamp(self._claims_path) != self._seen:
            self._read()

    def stem(self, kind: str, name: str) -> str:
        """The name of the file, without its extension.

        Raises:
            EventError: ``name`` is not a string, or is empty.
        """
        stem = self._stems.get((kind, name))
        if stem is None:
            stem = self._stems[(kind, name)] = self._choose(kind, name)
            self._is_noted = False
        return stem

    def save(self) -> None:
        """Note the names that have come since the last time.

        Raises:
            OSError: They cannot be written.
        """
        if not self._is_noted:
            write_json(self._claims_path, self._claims, compact=True, ascii_only=True)
            if self._told:
                write_json(self._told_path, self._told, ascii_only=True)
            self._seen = file_stamp(self._claims_path)
            self._is_noted = True

    def _read(self) -> None:
        self._seen = file_stamp(self._claims_path)
        for known, path in ((self._told, self._told_path), (self._claims, self._claims_path)):
            for kind, names in _read(path).items():
                known.setdefault(kind, {}).update(names)
        for kind, names in self._told.items():
            self._claims.setdefault(kind, {}).update(names)
        for kind, names in self._claims.items():
            self._stems.update({(kind, name): stem for stem, name in names.items()})

    def _choose(self, kind: str, name: str) -> str:
        claims = self._claims.setdefault(kind, {})
        stem = plain = clean_name(name)
        length = _DIGEST_LENGTH
        while claims.setdefault(stem, name) != name:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            stem = f"{plain[:_STEM_LENGTH]}-{digest[:length]}"
            length += 1  # for whoever calls a metric like a digest of another
        if stem != plain:
            told = self._told.setdefault(kind, {})
            told.update({plain: claims[plain], stem: name})
        return stem


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        names: dict[str, dict[str, str]] = json.loads(path.read_bytes())
        return {kind: dict(stems) for kind, stems in names.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, TypeError, ValueError) as error:
        raise CacheError(f"{path}: not a list of names: {error}", path=path) from error
