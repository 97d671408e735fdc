"""From an event in the spool to its asset and the value of its row."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

from axonlog.events import ArtifactKind, clean_name
from axonlog.media import Snapshot, encode

from ._atomic import replacing
from ._copies import copy_into
from ._layout import RunDirectory
from ._spool import SpooledEvent


def encode_event(directory: RunDirectory, event: SpooledEvent) -> Any:
    """The value of the row of ``event``; its asset, if it has one, is written before.

    Doing it again gives the same: an asset of the same name and content is used again.

    Raises:
        EventError: The content cannot be encoded.
        DependencyError: A library is missing in this process.
        OSError: The asset cannot be written.
    """
    snapshot = Snapshot(
        ArtifactKind(event.kind), event.encoder, event.parameters, event.buffers, event.source
    )
    encoded = encode(snapshot)
    if encoded.asset is None or not isinstance(encoded.row, dict):
        return encoded.row
    content = encoded.asset.content
    if isinstance(content, Path):
        path = content  # copied into the run before the call returned
    else:
        stem = clean_name(event.name) + ("" if event.step is None else f"_{event.step}")
        suffix = encoded.asset.extension and f".{encoded.asset.extension}"
        path = _write(directory.assets / event.kind, stem, suffix, content)
    return {**encoded.row, "path": directory.relative(path)}


def _write(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """The first free name; the events before this one keep their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        if not path.exists():
            with replacing(path) as temporary:
                temporary.write_bytes(content)
            return path
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return path
    raise AssertionError("unreachable")


def copy_asset(
    directory: RunDirectory,
    source: Path,
    *,
    kind: str,
    name: str,
    step: int | None,
    extension: str | None = None,
) -> Path:
    """Copy a file or folder among the assets; one that lies where it belongs stays there.

    ``extension`` is the source's if it is not given: all that follows the first dot of its name.

    Returns:
        Where it is: ``assets/<kind>/<name>[_<step>][.<extension>]``, or a free name like it.

    Raises:
        OSError: It cannot be copied.
    """
    if extension is None:
        extension = source.name.partition(".")[2].lower()
    stem = clean_name(name) + ("" if step is None else f"_{step}")
    suffix = extension and f".{extension}"
    folder = directory.assets / kind
    target = folder / f"{stem}{suffix}"
    if source.resolve() == target.resolve():
        return target
    target = _reserve(folder, stem, suffix, is_folder=source.is_dir())
    try:
        copy_into(source, target)
    except BaseException:
        _release(target)
        raise
    return target


def _reserve(folder: Path, stem: str, suffix: str, *, is_folder: bool) -> Path:
    """A new empty file or folder: the events before this one keep theirs.

    Also in several processes at once, and where an earlier attempt logged the same step.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        target = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        with contextlib.suppress(FileExistsError):
            if is_folder:
                target.mkdir()
            else:
                target.touch(exist_ok=False)
            return target
    raise AssertionError("unreachable")


def _release(target: Path) -> None:
    """Take away what was reserved, and is still empty."""
    with contextlib.suppress(OSError):
        if target.is_dir():
            target.rmdir()
        elif not target.stat().st_size:
            target.unlink()
