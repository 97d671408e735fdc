"""How much of the journals is in the event files: no row may be there twice, and none missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from axonlog.errors import CacheError

# Where in an attempt's journal: index of the segment, bytes from its beginning.
Position = tuple[int, int]


@dataclass
class ReplayState:
    """Kept in ``drained.json`` of the journal's folder, and replaced as a whole.

    Rows of one batch go to many files, and the process may be killed between any two of them.
    So the sizes of the files are noted before; who finds such a note takes the half batch back,
    and begins again at the positions, which move only when a batch is complete.

    Attributes:
        positions: By attempt, up to where its points are in the event files.
        undo: By path relative to the run, the size of each file before the batch that is under
            way; 0 for one that was not there.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    undo: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> ReplayState:
        """What ``path`` says; nothing where it is missing.

        Raises:
            CacheError: It cannot be understood.
            OSError: It cannot be read.
        """
        try:
            document = json.loads(path.read_bytes())
            positions = {
                name: (index, offset) for name, (index, offset) in document["positions"].items()
            }
            return cls(positions, dict(document["undo"]))
        except FileNotFoundError:
            return cls()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CacheError(f"{path}: not a note on the journal: {error}", path=path) from error

    def save(self, path: Path) -> None:
        """Replace ``path``; the caller keeps others away.

        Raises:
            OSError: It cannot be written; it is as it was before.
        """
        temporary = path.with_name(f".{path.name}.tmp")
        document = {"positions": self.positions, "undo": self.undo}
        try:
            temporary.write_text(json.dumps(document), encoding="utf-8")
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
