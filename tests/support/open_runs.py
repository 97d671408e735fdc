"""Runs that a test has left open."""

from __future__ import annotations

from axonlog.tracking._endings import ENDINGS, Ending


def end_open_runs() -> None:
    """End all of them, without waiting for what they still have to deliver."""
    for run in tuple(ENDINGS._runs):
        run.end_as(Ending("succeeded"), wait_s=0.0)
