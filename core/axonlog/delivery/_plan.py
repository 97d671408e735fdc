"""What is to be sent now: decisions on plain values, apart from all reading and sending."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from axonlog._polyaxon import ASSETS, EVENT_FILE_SUFFIX, EVENTS, FINAL_STATUSES, RESOURCES
from axonlog.store import Condition, FileSignature, RunRecord

from ._server_name import server_name
from ._sync_state import UploadedFile

# A metric file has no append on the server and goes whole each time. It goes when all that was
# sent of it before is at most so many times what it is now. Then the bytes of a run are at most
# 2 * 1 + 1.8 = 3.8 times its final size, the last time included, however it grew; and a file
# that grows steadily is sent each time that it is 1.56 times as long. What a file of a few rows
# costs is not counted: there the rows are news, and the bytes are those of the requests.
_SPENT_FACTOR = 1.8
_UNCOUNTED_BYTES = 8 * 1024

# A file that changed a moment ago may still be being written.
_SETTLING_S = 2.0

# Growth alone would leave a metric that comes once in an hour behind for five. What has waited
# for a minute is sent all the same, as long as that is little for the line.
MAX_UNSENT_S = 60.0

# From so many files of one folder on an archive pays, of files up to so many bytes.
_ARCHIVE_FILES = 4
_ARCHIVED_FILE_BYTES = 1024 * 1024
_ARCHIVE_BYTES = 64 * 1024 * 1024

# From so many due files on a folder that the server has is replaced by an archive of the whole,
# if the due ones are at least this part of its files.
_REPLACED_FILES = 50
_REPLACED_SHARE = 0.25

_FIELDS = ("name", "description", "readme", "tags", "inputs", "outputs", "meta_info")

# These change with every row that is logged.
_CHANGING_FIELDS = frozenset({"outputs", "meta_info"})

# Two clocks, or one time written twice.
_SAME_TIME = timedelta(milliseconds=1)


def due_files(
    found: Mapping[str, FileSignature],
    sent: Mapping[str, UploadedFile],
    *,
    seen_s: Mapping[str, float],
    unsent_s: Mapping[str, float],
    allowance_bytes: float,
    final: bool,
) -> list[str]:
    """The paths whose content the server should be sent now, events first, small ones first.

    Args:
        found: The files of the run, by path relative to it.
        sent: What the server has of each.
        seen_s: For how long each has been in this state, by our clock: that of the file system
            may go differently.
        unsent_s: How long ago each was last sent.
        allowance_bytes: What may be sent of event files that have waited long.
        final: Nothing will change any more: send whatever differs.
    """
    due = []
    for path in sorted(found, key=lambda path: (not is_event_file(path), found[path].size_bytes)):
        signature, before = found[path], sent.get(path)
        if before is not None and before.signature == signature:
            continue
        if final:
            due.append(path)
        elif not is_event_file(path):
            if seen_s.get(path, 0.0) >= _SETTLING_S:
                due.append(path)
        elif before is None or (
            before.spent_bytes <= _UNCOUNTED_BYTES + _SPENT_FACTOR * signature.size_bytes
        ):
            due.append(path)
        elif unsent_s.get(path, 0.0) >= MAX_UNSENT_S and signature.size_bytes <= allowance_bytes:
            allowance_bytes -= signature.size_bytes
            due.append(path)
    return due


def upload_batches(
    due: Iterable[str], sizes: Mapping[str, int], there: Collection[str]
) -> list[list[str]]:
    """What goes together: several files as an archive of their folder, or one file alone.

    The server has no way to add an archive to a folder: it deletes what is there first. So only
    a folder of which it has nothing yet can come as an archive without further ado; for the others
    see ``replaced_folders``.

    Args:
        due: The paths to send.
        sizes: Bytes of each.
        there: The paths that the server has, in whatever state.
    """
    known = {parent.as_posix() for path in there for parent in PurePosixPath(path).parents}
    folders: dict[str, list[str]] = {}
    for path in due:
        folders.setdefault(PurePosixPath(path).parent.as_posix(), []).append(path)
    result: list[list[str]] = []
    for folder, paths in folders.items():
        together: list[str] = []
        if folder not in known and folder != ".":
            together = _archived(paths, sizes)
        if together:
            result.append(together)
            # What is sent next finds the folder there.
            known |= {parent.as_posix() for parent in PurePosixPath(together[0]).parents}
        archived = set(together)
        result.extend([path] for path in paths if path not in archived)
    return result


def replaced_folders(
    due: Iterable[str], found: Mapping[str, FileSignature], *, busy: Collection[str]
) -> dict[str, list[str]]:
    """The folders that are cheaper to replace as a whole than to send file by file.

    Thousands of metrics are thousands of requests otherwise. Only folders of which we write every
    file, small ones: event files and assets.

    Args:
        due: The paths to send.
        found: The files of the run, by path relative to it.
        busy: Paths that cannot go as they are.

    Returns:
        For each folder all its files here, due or not.
    """
    due_in: dict[str, int] = {}
    for path in due:
        folder = PurePosixPath(path).parent.as_posix()
        due_in[folder] = due_in.get(folder, 0) + 1
    candidates = {
        folder: list[str]()
        for folder, count in due_in.items()
        if count >= _REPLACED_FILES and folder.startswith((f"{EVENTS}/", f"{ASSETS}/"))
    }
    if not candidates:
        return {}
    for path in found:
        folder = PurePosixPath(path).parent.as_posix()
        if folder in candidates:
            candidates[folder].append(path)
    return {
        folder: paths
        for folder, paths in candidates.items()
        # Then the bytes that go again are at most so many times those of the due files.
        if due_in[folder] >= _REPLACED_SHARE * len(paths)
        and not any(path in busy for path in paths)
        and all(found[path].size_bytes <= _ARCHIVED_FILE_BYTES for path in paths)
        and sum(found[path].size_bytes for path in paths) <= _ARCHIVE_BYTES
    }


def _archived(paths: Sequence[str], sizes: Mapping[str, int]) -> list[str]:
    chosen: list[str] = []
    total = 0
    for path in paths:
        size = sizes[path]
        if size <= _ARCHIVED_FILE_BYTES and total + size <= _ARCHIVE_BYTES:
            chosen.append(path)
            total += size
    return chosen if len(chosen) >= _ARCHIVE_FILES else []


def changed_fields(record: RunRecord, sent: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The fields of the run document that the server does not have as they are.

    Returns:
        For each what to send and whether the server should merge it into what it has. It should,
        so that a run continued elsewhere takes nothing away, and then only the keys that differ
        are sent; unless something that was sent before is gone here: that was taken away on
        purpose.
    """
    return {
        field: _change(value, sent.get(field))
        for field, value in field_values(record).items()
        if value != sent.get(field) and (value or sent.get(field))
    }


def field_values(record: RunRecord) -> dict[str, Any]:
    """The fields of the run document that a server keeps, as JSON and as it takes them."""
    values: dict[str, Any] = record.model_dump(mode="json", include=set(_FIELDS), exclude_none=True)
    if record.name:
        values["name"] = server_name(record.name)
    return values


def is_changing(field: str) -> bool:
    """Whether a field changes all the time in a run that goes on."""
    return field in _CHANGING_FIELDS


def changes_interval_s(running_s: float) -> float:
    """Seconds between two updates of such fields, in a run delivered for ``running_s`` seconds.

    Every look in the first minutes, once in half a minute after ten: a few hundred requests for
    a run of hours.
    """
    return min(30.0, running_s / 20)


def _change(value: Any, before: Any) -> tuple[Any, bool]:
    if isinstance(value, dict) and isinstance(before, dict):
        if set(before) <= set(value):
            missing = object()
            return {k: v for k, v in value.items() if before.get(k, missing) != v}, True
        return value, False
    if isinstance(value, list) and isinstance(before, list):
        return value, set(before) <= set(value)
    return value, True


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


def handled_conditions(
    here: Sequence[Condition], there: Sequence[tuple[str, datetime | None]], *, attempt_from: int
) -> int:
    """How many conditions of this directory need not be posted, going by the server's history.

    Those that are there, and older ones: to post them would turn back the status that another
    attempt, elsewhere, has given the run since.

    Args:
        here: The history in this directory.
        there: Type and time of each condition on the server, without ``created``, which has the
            time of the server's clock.
        attempt_from: From this position on they are of the attempt that is going on, and are news.
    """
    newest = max((time for _, time in there if time is not None), default=None)
    handled = 0
    for position, condition in enumerate(here):
        time = condition.last_transition_time
        is_there = any(
            kind == condition.type and is_same_time(time, other) for kind, other in there
        )
        # One without a time is what the server said of the run when it was taken up here.
        is_past = position < attempt_from and (
            time is None or (newest is not None and time <= newest)
        )
        if is_there or is_past:
            handled = position + 1
    return handled


def is_same_time(one: datetime | None, other: datetime | None) -> bool:
    """Whether both mean the same moment; the server may cut off digits."""
    if one is None or other is None:
        return False
    return abs(one - other) <= _SAME_TIME


def is_event_file(path: str) -> bool:
    """Whether rows are appended to the file at ``path``."""
    return path.endswith(EVENT_FILE_SUFFIX) and path.startswith((f"{EVENTS}/", f"{RESOURCES}/"))
