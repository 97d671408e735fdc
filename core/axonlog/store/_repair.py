"""Find runs whose process died, and complete them."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from axonlog.errors import CacheError

from ._document import RunDocument
from ._drain import Drain
from ._files import PART_PREFIX, PART_SUFFIX
from ._layout import RunDirectory
from ._lineage import Lineage
from ._names import EventNames
from ._owner import Owner, is_owner_alive, read_owner
from ._series import SeriesBook
from .journal import Attempt, attempts_in

_log = logging.getLogger("axonlog")


@dataclass(frozen=True)
class Repair:
    """What was done for a run whose process died.

    Attributes:
        path: The run's directory.
        points: How many points were in the journal only, and are in the event files now.
        dropped_bytes: How much of the journal could not be read: a record that was being written
            when the process died.
        is_lost: Whether the run had no ending, and was given one: ``failed``, ``ProcessLost``.
    """

    path: Path
    points: int
    dropped_bytes: int
    is_lost: bool


def is_alive(path: Path) -> bool:
    """Whether a process writes the run in ``path``, as far as can be told from here.

    A process on this machine is looked up, by more than its pid. One elsewhere (another machine
    on a shared disk, another container) counts as alive until it has given no sign for five
    minutes.
    """
    return any(is_owner_alive(item.owner) for item in attempts_in(RunDirectory(path).journal))


def needs_repair(path: Path) -> bool:
    """Whether a process died while it wrote the run in ``path``, or while it tidied up."""
    journal = RunDirectory(path).journal
    attempts = attempts_in(journal)
    if not attempts:
        return journal.is_dir()
    return any(not is_owner_alive(item.owner) for item in attempts)


def repair(path: Path) -> Repair | None:
    """Complete the run in ``path``, if a process died while it wrote it.

    Its journal is brought into the event files, outputs and lineage follow, and a run without an
    ending that nobody else writes is entered as failed. Safe to repeat, to interrupt, and to do
    in two processes at once.

    Returns:
        What was done; None if there was nothing to do.

    Raises:
        CacheError: Something there cannot be understood.
        OSError: Something there cannot be read or written.
    """
    directory = RunDirectory(path)
    if not directory.journal.is_dir():
        with contextlib.suppress(OSError):  # what a death just before the end of that left
            directory.private.rmdir()
        return None
    if not needs_repair(path) or not directory.document.exists():
        return None
    names = EventNames(directory.names, directory.journal / "names.json")
    document = RunDocument.load(directory.document)
    book = SeriesBook(directory, document, Lineage(directory.lineage), names)
    drain = Drain(directory, book)
    with drain.between_batches():
        dead = [item for item in attempts_in(directory.journal) if not is_owner_alive(item.owner)]
        try:
            points = sum(drain.left(attempt) for attempt in dead)
            book.tell(final=True)
        finally:
            book.close()
        is_lost = bool(dead) and not is_alive(path) and _enter_loss(document, dead)
        for attempt in dead:
            drain.forget(attempt)
        if drain.tidy():
            _clear_halves(path)
    if drain.dropped_bytes:
        _log.info(
            "%s: %d bytes at the end of its journal are no whole record: what was being written "
            "when the process died",
            path,
            drain.dropped_bytes,
        )
    return Repair(path, points, drain.dropped_bytes, is_lost) if dead else None


def repair_siblings(path: Path, *, limit: int = 1000) -> list[Repair]:
    """Repair the runs beside the one in ``path``; at most ``limit`` entries are looked at.

    What cannot be repaired is left as it is: it is not this run's trouble.

    Raises:
        OSError: The folder cannot be read.
    """
    done = []
    for number, sibling in enumerate(path.parent.iterdir()):
        if number == limit:
            break
        try:
            # In a folder that many share, what somebody else put there is not ours to act on.
            is_ours = sibling != path and sibling.stat().st_uid == os.getuid()
            report = repair(sibling) if is_ours else None
        except (CacheError, OSError):
            continue
        if report is not None:
            done.append(report)
    return done


def _clear_halves(path: Path) -> None:
    """Remove what a death left of replacing a document."""
    for half in path.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
        if half.is_file():
            half.unlink(missing_ok=True)


def _enter_loss(document: RunDocument, dead: list[Attempt]) -> bool:
    record = document.snapshot()
    if document.is_final or record.is_managed:
        return False  # it had ended, or the scheduler keeps its status
    owner, signs = _last_signs(dead)
    signs += [condition.last_transition_time for condition in record.status_conditions]
    who = f"process {owner.pid} on {owner.host}" if owner else "the process"
    document.add_condition(
        "failed",
        reason="ProcessLost",
        message=f"{who} ended without a word: killed, or the machine went down",
        # Not now: that may be weeks later. Times of files are a little behind the clock.
        at=max((sign for sign in signs if sign is not None), default=None),
    )
    return True


def _last_signs(dead: list[Attempt]) -> tuple[Owner | None, list[datetime | None]]:
    """The process that came last, if it can be told, and when the dead were last seen."""
    owner: Owner | None = None
    signs: list[datetime | None] = []
    for attempt in dead:
        with contextlib.suppress(OSError, CacheError):
            owner = read_owner(attempt.owner)
        for path in (attempt.owner, *(attempt.segment(index) for index in attempt.indexes)):
            with contextlib.suppress(OSError):
                signs.append(datetime.fromtimestamp(path.stat().st_mtime, timezone.utc))
    return owner, signs
