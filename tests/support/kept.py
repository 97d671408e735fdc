"""Read what a run left in its directory."""

from __future__ import annotations

from pathlib import Path

from axonlog.events import read_events
from axonlog.store import RunRecord, read_record
from support.journal import bring_over


def run_directories(work: Path) -> list[Path]:
    """The directories of all runs that were tracked from ``work``."""
    return sorted((work / "axonlog_data" / "runs").glob("*"))


def only_run(work: Path) -> Path:
    """The directory of the one run that was tracked from ``work``."""
    (directory,) = run_directories(work)
    return directory


def record_of(directory: Path) -> RunRecord:
    """The run's document."""
    return read_record(directory / "run.plx.json")


def curve(directory: Path, name: str) -> list[tuple[int | None, float]]:
    """Step and value of each point of a metric, in the order in which they were logged."""
    bring_over(directory)
    file = directory / "events" / "metric" / f"{name}.plx"
    return [(event.step, event.value) for event in read_events(file)]


def curves(directory: Path) -> set[str]:
    """The names of all metrics, as their files are called."""
    bring_over(directory)
    return {file.stem for file in directory.glob("events/metric/*.plx")}


def statuses(directory: Path) -> list[str]:
    """The run's history."""
    return [condition.type for condition in record_of(directory).status_conditions]
