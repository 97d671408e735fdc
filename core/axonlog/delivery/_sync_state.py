"""What the server has answered to have, remembered beside the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from axonlog.store import FileSignature, write_json

_log = logging.getLogger("axonlog")


class UploadedFile(BaseModel, frozen=True):
    """One file as the server has it.

    Attributes:
        signature: The state of the local file that this was made from, without its inode: a copy
            of the run is as much as the original.
        remote_bytes: Its size there: another one where rows of other attempts were added.
        digest: MD5 of what was sent, in hex digits; None where it is not known.
        spent_bytes: What was sent of this file until now, all times together.
    """

    signature: FileSignature
    remote_bytes: int
    digest: str | None = None
    spent_bytes: int = 0


class SyncState(BaseModel):
    """Only what was answered as done is entered, so that nothing is ever thought delivered."""

    destination: str
    is_registered: bool = False
    statuses: int = 0
    fields: dict[str, Any] = Field(default_factory=dict)
    lineage: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, UploadedFile] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, destination: str) -> SyncState:
        """The sync state in ``path``, or an empty one where it is about another destination.

        An unreadable one costs nothing but asking the server what it already has.
        """
        try:
            state = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls(destination=destination)
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds something else"
            _log.warning("%s cannot be read (%s): the server is asked instead", path, reason)
            return cls(destination=destination)
        return state if state.destination == destination else cls(destination=destination)

    def save(self, path: Path) -> None:
        """Write it by whole replacement.

        Raises:
            OSError: It cannot be written.
        """
        write_json(path, self.model_dump(mode="json", exclude_none=True), compact=True)


class SyncStateFile:
    """The sync state of one run on disk, which several processes write in turn."""

    _SAVED_ONCE_IN_S = 1.0

    def __init__(
        self, path: Path, destination: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = SyncState.load(path, destination)
        self._path = path
        self._destination = destination
        self._clock = clock
        self._saved_at = clock()
        self._signature = self._sign()

    def refresh(self) -> None:
        """Read it again if another process has written it."""
        if self._sign() != self._signature:
            self.state = SyncState.load(self._path, self._destination)
            self._signature = self._sign()

    def start_again(self) -> None:
        """Forget everything: the server knows nothing of this run any more."""
        self.state = SyncState(destination=self._destination)

    def save_soon(self) -> None:
        """Write it, unless that was done a moment ago: it may be large."""
        if self._clock() - self._saved_at >= self._SAVED_ONCE_IN_S:
            self.save()

    def save(self) -> None:
        """Write it.

        Raises:
            OSError: It cannot be written.
        """
        # Where the next delivery clears away what is left of one that was killed.
        temporary = self._path.parent / "tmp" / self._path.name
        self.state.save(temporary)
        temporary.replace(self._path)
        self._saved_at = self._clock()
        self._signature = self._sign()

    def _sign(self) -> FileSignature | None:
        try:
            return FileSignature.of(self._path)
        except OSError:
            return None
