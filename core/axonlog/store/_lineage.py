"""The lineage: which artifacts belong to a run."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from axonlog.errors import CacheError
from axonlog.events import clean_name

from ._atomic import replacing
from ._file_lock import DocumentLock, ThreadLock
from ._file_signature import FileSignature
from ._json import to_json_fields, to_text

_log = logging.getLogger("axonlog")

# The server's URL of a single entry takes no longer names.
_MAX_LENGTH = 128


class LineageEntry(BaseModel):
    """One artifact; ``path`` is relative to the run's directory where it lies inside."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    kind: str
    path: str | None = None
    summary: dict[str, Any] | None = None
    is_input: bool | None = None


_ENTRIES = TypeAdapter(list[LineageEntry])


class _Addition(NamedTuple):
    """An entry, and what it may replace; see ``Lineage.add``."""

    entry: LineageEntry
    is_name_given: bool
    is_automatic: bool


def _key_of(entry: LineageEntry) -> tuple[str | None, ...]:
    return entry.kind, entry.name, entry.path, str(_is_event(entry))


class Lineage:
    """The entries by name, as Polyaxon keeps them: a run has one entry of a name.

    A second entry of the same artifact replaces the first. A different artifact whose name is
    taken already gets one of its own, which is logged. Event files keep their names, because the
    UI finds their rows by them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = ThreadLock(str(path))
        self._file_lock = DocumentLock(path)
        self._signature = FileSignature.of(path)
        self._entries = {entry.name: entry for entry in read_lineage(path)}
        self._written = dict(self._entries)
        # What the file may lack: writing failed, or another process may have overwritten it.
        self._unsaved: dict[tuple[str | None, ...], _Addition] = {}
        # A run of thousands of metrics changes few of its entries at a time.
        self._texts: dict[str, tuple[LineageEntry, str]] = {}

    def add(
        self,
        entries: Sequence[LineageEntry],
        *,
        is_name_given: bool = True,
        is_automatic: bool = False,
    ) -> list[LineageEntry]:
        """Keep the entries; they are on disk when this returns.

        Args:
            entries: What to add.
            is_name_given: Whether the user chose the names: then an entry of the same name and
                kind is replaced. A name that was made from a file's counts for this path only.
            is_automatic: Whether axonlog added them by itself; then they replace no entry of the
                same artifact.

        Returns:
            The entries under the names that they got.

        Raises:
            OSError: They cannot be written; the next ``add`` tries again.
        """
        with self._lock:
            for entry in entries:
                self._note(_Addition(entry, is_name_given, is_automatic))
            if not self._unsaved:
                return []
            with self._file_lock.held_or_timeout() as is_exclusive:
                self._catch_up()
                placed = {key: self._put(addition) for key, addition in self._unsaved.items()}
                self._save(is_exclusive=is_exclusive)
            return [placed[_key_of(entry)] for entry in entries]

    def add_to_summary(self, entry: LineageEntry, values: Mapping[str, Any]) -> None:
        """Add to the summary of ``entry``, unless something else has taken its place since.

        Raises:
            OSError: It cannot be written; the next ``add`` tries again.
        """
        with self._lock, self._file_lock.held_or_timeout() as is_exclusive:
            self._catch_up()
            for known in self._entries.values():
                # Its name may have been given to an event file.
                if known.model_copy(update={"name": entry.name}) == entry:
                    summary = {**(known.summary or {}), **values}
                    changed = known.model_copy(update={"summary": summary})
                    self._unsaved.pop(_key_of(entry), None)
                    self._note(_Addition(changed, is_name_given=False, is_automatic=False))
                    self._put(self._unsaved[_key_of(changed)])
                    self._save(is_exclusive=is_exclusive)
                    return

    def snapshot(self) -> list[LineageEntry]:
        """The entries of this moment, in the order in which their names first came."""
        with self._lock:
            return list(self._entries.values())

    def _note(self, addition: _Addition) -> None:
        key = _key_of(addition.entry)
        self._unsaved.pop(key, None)  # their order counts
        self._unsaved[key] = addition

    def _put(self, addition: _Addition) -> LineageEntry:
        place = self._place(addition.entry, is_name_given=addition.is_name_given)
        if not (addition.is_automatic and place.name in self._entries):
            self._entries[place.name] = place
        return place

    def _save(self, *, is_exclusive: bool) -> None:
        if self._entries != self._written:
            self._write()
            self._written = dict(self._entries)
        if is_exclusive:
            self._unsaved = {}

    def _place(self, entry: LineageEntry, *, is_name_given: bool) -> LineageEntry:
        """The entry under the first of its names that no other artifact has."""
        names = _names_for(entry)
        for name in names:
            other = self._entries.get(name)
            if other is None or _is_same(other, entry, is_name_given=is_name_given):
                break
            if name == entry.name and _is_event(entry) and not _is_event(other):
                del self._entries[name]
                moved = self._place_beside(other)
                self._entries[moved.name] = moved
                break
        if name != entry.name and name not in self._entries:
            _report_name(self._path, entry, name)
        return entry if name == entry.name else entry.model_copy(update={"name": name})

    def _place_beside(self, entry: LineageEntry) -> LineageEntry:
        *names, last = _names_for(entry)[1:]
        name = next((name for name in names if name not in self._entries), last)
        _report_name(self._path, entry, name)
        return entry.model_copy(update={"name": name})

    def _write(self) -> None:
        texts = {}
        for name, entry in self._entries.items():
            known = self._texts.get(name)
            if known is None or known[0] is not entry:
                document = entry.model_dump()
                if not _is_event(entry):  # whose summary is made here, of numbers
                    document["name"], document["kind"] = to_text(entry.name), to_text(entry.kind)
                    if entry.path is not None:
                        document["path"] = to_text(entry.path)
                    if entry.summary is not None:
                        document["summary"] = to_json_fields(entry.summary, described=set())
                known = entry, json.dumps(document, ensure_ascii=False, allow_nan=False)
            texts[name] = known
        self._texts = texts
        with replacing(self._path) as temporary:
            listed = ",\n".join(text for _, text in texts.values())
            temporary.write_text(f"[\n{listed}\n]", encoding="utf-8")
        self._signature = FileSignature.of(self._path)

    def _catch_up(self) -> None:
        """Read what another process wrote meanwhile."""
        signature = FileSignature.of(self._path)
        if signature is not None and signature != self._signature:
            try:
                self._written = {entry.name: entry for entry in read_lineage(self._path)}
            except CacheError:
                self._written = {}  # it is damaged: this process's copy replaces it
            self._entries.update(self._written)
            self._signature = signature


def _is_event(entry: LineageEntry) -> bool:
    return bool((entry.summary or {}).get("is_event"))


def _is_same(one: LineageEntry, other: LineageEntry, *, is_name_given: bool) -> bool:
    """Whether two entries of one name are of the same artifact."""
    return (
        one.kind == other.kind
        and _is_event(one) == _is_event(other)
        and (is_name_given or one.path == other.path)
    )


def _names_for(entry: LineageEntry) -> list[str]:
    """The names that an entry may have, the preferred one first, the last one its own."""
    names = [entry.name, f"{entry.name}-{clean_name(entry.kind)}"]
    if not _is_event(entry):
        file_name = PurePosixPath(entry.path or "").name
        if file_name.strip():
            names.insert(1, clean_name(file_name))
        names = [_shortened(name, name) for name in names]
    unique = _shortened(f"{names[0]}-", f"{entry.kind}:{entry.path}", is_forced=True)
    return [*names, unique]


def _shortened(name: str, told_apart_by: str, *, is_forced: bool = False) -> str:
    if len(name) <= _MAX_LENGTH and not is_forced:
        return name
    digest = hashlib.sha256(told_apart_by.encode("utf-8", "replace")).hexdigest()
    return f"{name[: _MAX_LENGTH - 13].rstrip('-')}-{digest[:12]}"


def _report_name(path: Path, entry: LineageEntry, name: str) -> None:
    _log.warning(
        "%s: the %s %s is listed as %r: the name %r %s",
        path.parent.name,
        entry.kind,
        entry.path or "",
        name,
        entry.name,
        "is too long" if len(entry.name) > _MAX_LENGTH else "belongs to something else",
    )


def read_lineage(path: Path) -> list[LineageEntry]:
    """The entries in ``path``; none where there is no such file.

    Raises:
        CacheError: It is not a list of artifacts.
    """
    try:
        return _ENTRIES.validate_python(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return []
    except (ValueError, ValidationError) as error:
        raise CacheError(f"{path}: not a list of artifacts", path=path) from error
