"""Where the command writes: colours and a width at a terminal, plain whole text elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "bold red": "1;31",
}
_DUMB = frozenset({"", "dumb", "unknown"})


class Screen:
    """One of the two standard streams, looked up with each use.

    A reader that goes away (``axonlog ls | head -1``) stops nothing: what is being sent is sent
    all the same.
    """

    def __init__(self, *, is_error: bool = False) -> None:
        self._is_error = is_error

    @property
    def stream(self) -> TextIO:
        """The stream itself."""
        return sys.stderr if self._is_error else sys.stdout

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads along."""
        return self.stream.isatty()

    @property
    def is_styled(self) -> bool:
        """Whether escape codes may be written: never with ``NO_COLOR`` or a dumb terminal."""
        return (
            self.is_terminal
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM", "") not in _DUMB
        )

    @property
    def width(self) -> int | None:
        """How many characters fit into a line; None where nothing limits them."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def paint(self, text: str, style: str) -> str:
        """``text`` in a style (``bold``, ``red`` …), or as it is."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and text and self.is_styled else text

    def write(self, text: str) -> None:
        """Write whole lines; the last line break is added."""
        try:
            self.stream.write(f"{text}\n")
            self.stream.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


def printable(text: str) -> str:
    """Without what would move the cursor or change the terminal: names come from anywhere."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
