"""Start the command."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from ._app import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program; that of this process if left out.

    Returns:
        The exit code: 0 done, 1 something is still to be sent or was refused, 2 the command line
        or the context is wrong, 130 interrupted.
    """
    _tolerate_every_character()
    given = sys.argv[1:] if arguments is None else list(arguments)
    return run(given)


def _tolerate_every_character() -> None:
    """Names come from anywhere; an output that cannot hold one shows a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
