"""Runs that a test has left open."""

from __future__ import annotations

from axonlog.tracking._exit_hooks import EXIT_HOOKS, RunOutcome


def end_open_runs() -> None:
    """End all of them, without waiting for what they still have to deliver."""
    for run in tuple(EXIT_HOOKS._runs):
        run.end_as(RunOutcome("succeeded"), wait_s=0.0)
