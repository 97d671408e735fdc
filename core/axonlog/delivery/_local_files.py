"""What there is in a run's directory to be sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from axonlog._polyaxon import LINEAGE, PRIVATE, RUN_DOCUMENT
from axonlog.store import FileSignature, is_part

_DOCUMENTS = frozenset({RUN_DOCUMENT, LINEAGE})

T = TypeVar("T")


def find_files(root: Path) -> dict[str, FileSignature]:
    """The files of the run, by path relative to it, without those that only axonlog reads.

    A link to a file counts as the file. Links to folders are not followed: they may lead in
    circles. What disappears meanwhile is left out.

    Raises:
        OSError: The run's own directory cannot be read.
    """
    return {
        path: signature
        for path, signature in _walk(os.fspath(root), "", is_root=True)
        if path not in _DOCUMENTS
    }


def _walk(
    folder: str, prefix: str, *, is_root: bool = False
) -> Iterator[tuple[str, FileSignature]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        if is_root:
            raise
        return
    for entry in entries:
        name = entry.name
        if (is_root and name == PRIVATE) or is_part(name):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{name}/")
            elif entry.is_file():
                yield f"{prefix}{name}", FileSignature.from_stat(entry.stat())
        except OSError:
            continue


class CachedFile(Generic[T]):
    """A file that is written by whole replacement, parsed again only when it was replaced."""

    def __init__(self, path: Path, parse: Callable[[Path], T]) -> None:
        self._path = path
        self._parse = parse
        # One attribute, so that two threads can ask.
        self._known: tuple[FileSignature | None, T] | None = None

    def get(self) -> T:
        """What the file says now.

        Raises:
            AxonlogError: It says something else than it should.
            OSError: It cannot be read.
        """
        signature, known = FileSignature.of(self._path), self._known
        if known is None or signature is None or signature != known[0]:
            known = self._known = (signature, self._parse(self._path))
        return known[1]
