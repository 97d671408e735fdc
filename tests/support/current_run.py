"""The current run is one for the process: tests that share a process must not share it."""

from __future__ import annotations

from axonlog import tracking


def end_current_run() -> None:
    """Leave no live run that the next test could join."""
    run = tracking.TRACKING_RUN
    if run is not None and not run.is_ended:
        run.end()
