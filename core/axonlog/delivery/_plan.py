"""What is to be sent now: decisions on plain values, apart from all reading and sending."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from axonlog.events import FINAL_STATUSES
from axonlog.store import Condition, RunRecord

from ._ledger import Stamp
from ._names import server_name

# A metric file has no append on the server and goes whole each time. Sending it again only when
# it has grown by this factor keeps the bytes linear in the length of the run: at most
# 1 / (1 - 1 / 1.4) = 3.5 times the final size.
_GROWTH = 1.4

# Below this size sending again is cheaper than thinking about it.
_SMALL_BYTES = 64 * 1024

# A file that changed a moment ago may still be being written.
_SETTLING_NS = 2_000_000_000

# From so many files of one folder on an archive pays, up to so many bytes.
_ARCHIVE_FILES = 4
_ARCHIVE_BYTES = 16 * 1024 * 1024

_FIELDS = ("name", "description", "readme", "tags", "inputs", "outputs", "meta_info")


def due_files(
    found: Mapping[str, Stamp], sent: Mapping[str, Stamp], *, now_ns: int, final: bool
) -> list[str]:
    """The paths whose content the server should be sent now, events first.

    Args:
        found: The files of the run, by path relative to it.
        sent: The state of each file that the server has.
        now_ns: The time, in nanoseconds since 1970.
        final: Nothing will change any more: send whatever differs.
    """

    def is_due(path: str, stamp: Stamp) -> bool:
        before = sent.get(path)
        if stamp == before:
            return False
        if final:
            return True
        if not _is_event_file(path):
            return now_ns - stamp.modified_ns >= _SETTLING_NS
        return (
            before is None
            or stamp.size_bytes <= _SMALL_BYTES
            or stamp.size_bytes >= _GROWTH * before.size_bytes
        )

    due = [path for path, stamp in found.items() if is_due(path, stamp)]
    return sorted(due, key=lambda path: (not _is_event_file(path), path))


def shipments(
    due: Iterable[str], sizes: Mapping[str, int], sent: Collection[str]
) -> list[list[str]]:
    """What goes together: several files as an archive of their folder, or one file alone.

    The server has no way to add an archive to a folder: it deletes what is there first. So only
    a folder of which it has nothing yet can come as an archive.

    Args:
        due: The paths to send.
        sizes: Bytes of each.
        sent: The paths that the server has, in whatever state.
    """
    known = {str(PurePosixPath(path).parent) for path in sent}
    folders: dict[str, list[str]] = {}
    for path in due:
        folders.setdefault(str(PurePosixPath(path).parent), []).append(path)
    result: list[list[str]] = []
    for folder, paths in folders.items():
        size = sum(sizes[path] for path in paths)
        together = len(paths) >= _ARCHIVE_FILES and size <= _ARCHIVE_BYTES
        if together and folder not in known and folder != ".":
            result.append(paths)
        else:
            result.extend([path] for path in paths)
    return result


def changed_fields(record: RunRecord, sent: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The fields of the run document that the server does not have as they are.

    Returns:
        For each its value and whether the server should merge it into what it has. It should,
        so that a run continued from an empty directory takes nothing away, unless something
        that was sent before is gone here: that was taken away on purpose.
    """
    values = record.model_dump(mode="json", include=set(_FIELDS), exclude_none=True)
    if record.name:
        values["name"] = server_name(record.name)
    return {
        field: (value, _holds_all_of(value, sent.get(field)))
        for field, value in values.items()
        if value != sent.get(field)
    }


def due_conditions(
    conditions: Sequence[Condition], handled: int, *, with_final: bool
) -> list[tuple[int, Condition, bool]]:
    """The status conditions to post now.

    Args:
        conditions: The whole history.
        handled: How many of them the server already has.
        with_final: Whether an ending may be told yet. It waits until the files are there, so
            that a run which the server calls succeeded is complete.

    Returns:
        For each its position, itself, and whether it must be forced: after an ending the server
        answers 201 to anything and ignores what is not forced.
    """
    due = []
    for position in range(handled, len(conditions)):
        condition = conditions[position]
        if condition.type in FINAL_STATUSES and not with_final:
            break
        if condition.type == "created":
            continue  # the server enters this one itself
        forced = any(earlier.type in FINAL_STATUSES for earlier in conditions[:position])
        due.append((position, condition, forced))
    return due


def _is_event_file(path: str) -> bool:
    return path.endswith(".plx") and path.startswith(("events/", "resources/"))


def _holds_all_of(value: Any, before: Any) -> bool:
    if isinstance(value, (dict, list)) and isinstance(before, (dict, list)):
        return set(before) <= set(value)
    return True
