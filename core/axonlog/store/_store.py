"""A run's directory, open for writing."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from axonlog.errors import ContextError

from ._document import RunDocument, RunRecord, read_record
from ._drain import Drain
from ._exclusive import Exclusive
from ._layout import RunDirectory
from ._lineage import Lineage
from ._names import EventNames
from ._owner import SIGN_INTERVAL_S, is_owner_alive, this_process
from ._repair import repair
from ._series import SeriesBook
from .journal import Attempt, Journal, attempts_in, new_attempt

_PATIENCE_S = 5.0


def _always() -> bool:
    return True


def _raise(points: int, error: OSError) -> None:
    raise error


class RunStore:
    """Everything of one run on disk: journal, document, lineage, events, outputs.

    Points are in the journal at once. The event files, and what is derived from them (the last
    values among the outputs, the summaries in the lineage), follow with ``refresh``.
    """

    def __init__(
        self,
        directory: RunDirectory,
        document: RunDocument,
        lineage: Lineage,
        book: SeriesBook,
        journal: Journal,
    ) -> None:
        self.directory = directory
        self.document = document
        self.lineage = lineage
        self.journal = journal
        self._book = book
        self._drain = Drain(directory, book)
        self._refreshing = threading.RLock()
        self._is_closed = False
        self._sign_due_s = time.monotonic() + SIGN_INTERVAL_S

    @classmethod
    def open(
        cls,
        path: Path,
        fresh: RunRecord,
        *,
        admit: Callable[[], bool] = _always,
        on_lost: Callable[[int, OSError], None] = _raise,
    ) -> RunStore:
        """Open the run in ``path``: the one that is there, or else ``fresh``.

        What a process that died has left there is repaired first.

        Args:
            path: The run's directory.
            fresh: The run document to begin with.
            admit: See ``Journal``.
            on_lost: See ``Journal``.

        Raises:
            ContextError: Another run lives there.
            CacheError: What is there cannot be read.
            OSError: The directory cannot be made or written.
        """
        directory = RunDirectory(path)
        directory.create()
        if directory.document.exists():
            uuid = read_record(directory.document).uuid
            if uuid != fresh.uuid:
                raise ContextError(
                    f"{path} holds run {uuid}, not {fresh.uuid}: pass another "
                    "artifacts_path=, or run_uuid= to continue the run that is there"
                )
            repair(path)
            document = RunDocument.load(directory.document)
        else:
            document = RunDocument(directory.document, fresh)
        lineage = Lineage(directory.lineage)
        names = EventNames(directory.names, directory.journal / "names.json")
        attempt = new_attempt(directory.journal)
        with Exclusive(directory.journal / "lock").held():  # from who is tidying up there
            this_process().write(attempt.owner)
        journal = Journal(attempt, admit=admit, on_lost=on_lost)
        book = SeriesBook(directory, document, lineage, names)
        document.save()
        return cls(directory, document, lineage, book, journal)

    @property
    def activity(self) -> int:
        """A number that changes with each event that is recorded."""
        return self.journal.size_bytes + self._book.documents_appended

    def append_document(
        self, kind: str, name: str, step: int | None, timestamp: datetime, value: dict[str, Any]
    ) -> None:
        """Add one event whose value is a small document, of any table kind.

        Raises:
            EventError: The name cannot be used.
            OSError: The row could not be written.
        """
        self._book.append_document(kind, name, step, timestamp, value)

    def refresh(self, *, final: bool = False) -> bool:
        """Bring event files, outputs, flags and summaries up to what has been logged.

        Args:
            final: Tell every file's whole length, however little it has grown.

        Returns:
            Whether all points are in the event files; see ``Drain.own``.

        Raises:
            OSError: A file could not be read or written; the next refresh makes up for it.
        """
        with self._refreshing:
            self.document.save()
            if not final:
                self._look_ahead()
            is_complete = self._drain.own(self.journal)
            for attempt in self._left_attempts():
                self._drain.left(attempt)
                self._drain.forget(attempt)
            self._book.tell(final=final)
        return is_complete

    def adopt(self, path: Path, rows_before: bytes) -> None:
        """Take over the rows that another copy of an event file has and this one lacks.

        Raises:
            OSError: The file cannot be replaced.
        """
        with self._refreshing:
            with self._drain.between_batches():
                self._book.adopt(path, rows_before)
            if self._is_closed:  # the delivery goes on after that; no refresh comes any more
                self._book.tell(final=True)
                self._drain.tidy()

    def close(self) -> bool:
        """Refuse further points, tell everything once more and close the files.

        Returns:
            Whether all points are in the event files. If not, then the journal stays, for
            whoever opens the run next: a signal handler may have asked in the middle of things.

        Raises:
            OSError: As ``refresh``; the journal stays then too.
        """
        self.journal.close()
        is_complete = False
        # A thread that holds it may wait for one that a signal handler interrupted: this one.
        is_held = self._refreshing.acquire(timeout=_PATIENCE_S)
        try:
            if is_held and self.refresh(final=True):
                self._drain.forget(self.journal.attempt)
                is_complete = True
            self._is_closed = True
        finally:
            if is_held:
                self._book.close()
                self.journal.release()
                self._refreshing.release()
            # Without it the journal counts as that of a process which is dead.
            with contextlib.suppress(OSError):
                self.journal.attempt.owner.unlink(missing_ok=True)
        return is_complete

    def _look_ahead(self) -> None:
        with contextlib.suppress(OSError):  # the log call that finds no segment will tell
            self.journal.prepare()
        if time.monotonic() >= self._sign_due_s:
            self._sign_due_s = time.monotonic() + SIGN_INTERVAL_S
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.journal.attempt.owner)

    def _left_attempts(self) -> list[Attempt]:
        """Other processes that joined this run, and died."""
        return [
            attempt
            for attempt in attempts_in(self.directory.journal)
            if attempt.name != self.journal.attempt.name and not is_owner_alive(attempt.owner)
        ]
