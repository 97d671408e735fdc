"""What the exit codes mean."""

from __future__ import annotations

from axonlog.catalog import SyncOutcome

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


def exit_code_of(outcome: SyncOutcome) -> int:
    """What the outcome of one run means for the exit code."""
    if outcome.error is not None:
        return WRONG
    return DONE if outcome.report.is_complete else PENDING
