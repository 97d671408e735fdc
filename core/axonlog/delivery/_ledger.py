"""What the server has answered to have, remembered beside the run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from axonlog.store import write_json

_log = logging.getLogger("axonlog")


class Stamp(BaseModel, frozen=True):
    """Which state of a file is meant: its size and its time of change."""

    size_bytes: int
    modified_ns: int


class Ledger(BaseModel):
    """Only what was answered as done is entered, so that nothing is ever thought delivered."""

    destination: str
    is_registered: bool = False
    statuses: int = 0
    fields: dict[str, Any] = Field(default_factory=dict)
    lineage: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, Stamp] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, destination: str) -> Ledger:
        """The ledger in ``path``, or an empty one where it is about another destination.

        An unreadable ledger costs nothing but sending again what the server already has.
        """
        try:
            ledger = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls(destination=destination)
        except (OSError, ValidationError) as error:
            _log.warning("%s cannot be read, everything is sent again: %s", path, error)
            return cls(destination=destination)
        return ledger if ledger.destination == destination else cls(destination=destination)

    def save(self, path: Path) -> None:
        """Write it by whole replacement.

        Raises:
            OSError: It cannot be written.
        """
        write_json(path, self.model_dump(mode="json"))
