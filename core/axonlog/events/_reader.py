"""Read the rows of a ``.plx`` file back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axonlog.errors import EventError


@dataclass(frozen=True)
class Event:
    """One row: ``text`` is the third column as it stands in the file."""

    step: int | None
    timestamp: datetime
    text: str

    @property
    def value(self) -> float:
        """The number of a metric's row."""
        return float(self.text)


def read_events(path: Path) -> Iterator[Event]:
    """The events of a table file, in the order in which they were logged.

    A last row that a crash tore off in the middle is left out.

    Raises:
        EventError: Another row cannot be read.
        OSError: The file cannot be opened.
    """
    with path.open(encoding="utf-8") as lines:
        next(lines, None)  # the header
        number = 2
        torn: EventError | None = None
        for line in lines:
            if torn is not None:
                raise torn
            try:
                event = _parse(line.rstrip("\n"))
            except ValueError as error:
                torn = EventError(
                    f"{path}:{number}: not a row of an event file: {line!r}", path=path, line=number
                )
                torn.__cause__ = error
            else:
                yield event
            number += 1


def _parse(line: str) -> Event:
    step, timestamp, text = line.split("|", 2)
    if not text:
        raise ValueError("no value")
    return Event(
        step=int(step) if step else None,
        timestamp=datetime.fromisoformat(timestamp),
        text=text,
    )
