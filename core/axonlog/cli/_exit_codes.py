"""What the exit codes mean."""

from __future__ import annotations

DONE = 0
PENDING = 1
WRONG = 2
INTERRUPTED = 130

MEANINGS = {
    DONE: "done",
    PENDING: "something is still to be sent, or the server refused it",
    WRONG: "the command line or the context is wrong",
    INTERRUPTED: "interrupted",
}

EXPLAINED = "\n".join(
    ["Exit codes:", *(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())]
)
