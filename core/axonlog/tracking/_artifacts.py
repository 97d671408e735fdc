"""Files that a run keeps: copied into its directory, noted in its lineage."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from axonlog.errors import EventError
from axonlog.events import ArtifactKind, clean_name, event_kind, to_step, to_timestamp
from axonlog.store import LineageEntry, RunStore, copy_asset, copy_into, digest, to_json_fields

# What is larger is digested when the caller is not waiting any more.
_DIGESTED_AT_ONCE_BYTES = 8 * 1024 * 1024


def require_existing(path: str | os.PathLike[str]) -> Path:
    """``path``, if something is there.

    Raises:
        EventError: Nothing is.
    """
    source = Path(path)
    if not source.exists():
        raise EventError(f"no such file or folder: {os.fspath(path)!r}")
    return source


def keep_output(
    store: RunStore,
    source: Path,
    *,
    name: str | None,
    kind: str,
    summary: Mapping[str, Any],
    rel_path: str | None,
    hashed: bool,
    run_in_background: Callable[[Callable[[], object]], None],
) -> None:
    """Copy ``source`` below the run's outputs and note it.

    Args:
        store: Of the run.
        source: A file or a folder.
        name: In the lineage.
        kind: In the lineage.
        summary: In the lineage.
        rel_path: Where it goes, below the outputs.
        hashed: Whether the lineage holds a digest of it.
        run_in_background: Runs a task beside the training: digesting takes much longer than
            copying.

    Raises:
        OSError: It cannot be copied.
    """
    target = store.directory.outputs / (rel_path or "") / source.name
    copy_into(source, target)
    is_late = hashed and _size_bytes(target) > _DIGESTED_AT_ONCE_BYTES
    digest_hex = digest(target) if hashed and not is_late else None
    entry = lineage_entry(store, target, name, kind, summary, digest_hex=digest_hex)
    (listed,) = store.lineage.add([entry], is_name_given=name is not None)
    if is_late:
        run_in_background(lambda: _add_digest(store, target, listed))


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _add_digest(store: RunStore, target: Path, entry: LineageEntry) -> None:
    digest_hex = digest(target)
    if digest_hex is not None:
        store.lineage.add_to_summary(entry, {"hash": digest_hex})


def keep_asset(
    store: RunStore,
    source: Path,
    *,
    name: str | None,
    kind: str,
    step: int,
    timestamp: Any,
    value: Mapping[str, Any],
) -> None:
    """Copy ``source`` among the run's assets, with an event that points to it.

    Raises:
        EventError: Events of this kind hold no files, or step or timestamp are not acceptable.
        OSError: It cannot be copied.
    """
    if kind not in [known.value for known in ArtifactKind]:
        raise EventError(f"no such kind of artifact: {kind!r}; Polyaxon knows {_all_kinds()}")
    # A row that points to a file would spoil the whole table for its readers.
    if not event_kind(kind).has_asset:
        raise EventError(
            f"events of kind {kind!r} hold a value and no file: pass another kind= for "
            f"{os.fspath(source)!r}, such as 'file', or no step="
        )
    moment = datetime.now(timezone.utc) if timestamp is None else to_timestamp(timestamp)
    position = to_step(step)
    name = name or source.name.partition(".")[0]
    target = copy_asset(store.directory, source, kind=kind, name=name, step=position)
    event_value = {**value, "path": store.directory.relative(target)}
    store.append_event(kind, name, position, moment, event_value)


def lineage_entry(
    store: RunStore,
    path: str | os.PathLike[str] | None,
    name: str | None,
    kind: str,
    summary: Mapping[str, Any],
    *,
    digest_hex: str | None = None,
    recorded_path: str | None = None,
    is_input: bool = False,
) -> LineageEntry:
    """The entry of a file: named as given, or as the file is up to its first dot."""
    described = dict(summary)
    if path is not None:
        text = os.fspath(path)
        file_name = text.rstrip("/").rpartition("/")[2]
        name = name or file_name.partition(".")[0] or file_name
        described["path"] = text
        is_url = "://" in text
        recorded_path = recorded_path or (text if is_url else store.directory.relative(Path(path)))
    if digest_hex is not None:
        described["hash"] = digest_hex
    return LineageEntry(
        name=clean_name(name),
        kind=kind,
        path=recorded_path,
        summary=to_json_fields(described, described=set()),
        is_input=is_input,
    )


def digest_of_value(value: Any) -> str:
    """The first 12 hex digits of the MD5 of ``str(value)``, as Polyaxon identifies content."""
    return hashlib.md5(str(value).encode("utf-8"), usedforsecurity=False).hexdigest()[:12]


def _all_kinds() -> str:
    return ", ".join(kind.value for kind in ArtifactKind)
