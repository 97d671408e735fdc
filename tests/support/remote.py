"""Read what a run left on the server."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from axonlog.client import RunClient
from axonlog.events import read_events


def remote_curve(run: RunClient, name: str) -> list[tuple[int | None, float]]:
    """Step and value of each point of a metric, as its file on the server has them."""
    with TemporaryDirectory() as directory:
        file = run.download_file(f"events/metric/{name}.plx", Path(directory) / "curve.plx")
        return [(event.step, event.value) for event in read_events(file)]
