"""Bring a run's journal into its event files now, as the background does within a second."""

from __future__ import annotations

from pathlib import Path

from axonlog.store import repair
from axonlog.tracking._run import HANDLES


def bring_over(directory: Path) -> None:
    """For a live run of this process, or for one whose process is dead."""
    run = HANDLES.find(str(directory))
    if run is None or run.is_ended:
        repair(directory)
    else:
        assert run._recorder.store.refresh()
