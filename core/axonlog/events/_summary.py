"""What the lineage tells of an event file: how many rows, from where to where, how distributed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ._kinds import ArtifactKind
from ._reader import Event


def summarize(kind: str, events: Iterable[Event]) -> dict[str, Any]:
    """The summary of one event file, with the keys that the Polyaxon UI reads.

    For metrics: count, mean, sample standard deviation, minimum, quartiles (linear
    interpolation), maximum and last value. NaN counts as missing; what is not finite is None.
    """
    steps: list[int | None] = []
    earliest: datetime | None = None
    latest: datetime | None = None
    values: list[float] = []
    last: float | None = None
    for event in events:
        steps.append(event.step)
        earliest = event.timestamp if earliest is None else min(earliest, event.timestamp)
        latest = event.timestamp if latest is None else max(latest, event.timestamp)
        if kind == ArtifactKind.METRIC:
            last = event.value
            if not math.isnan(last):
                values.append(last)
    summary: dict[str, Any] = {"is_event": True}
    given = [step for step in steps if step is not None]
    if given:
        # Polyaxon takes the bounds from the first and the last row: none where that has no step.
        summary["step"] = {
            "count": len(given),
            "min": None if steps[0] is None else min(given),
            "max": None if steps[-1] is None else max(given),
        }
    if earliest is not None and latest is not None:
        summary["timestamp"] = {"min": earliest.isoformat(), "max": latest.isoformat()}
    if kind == ArtifactKind.METRIC:
        described = {**_describe(values), "last": last}
        summary["metric"] = {key: _finite(number) for key, number in described.items()}
    return summary


def _describe(values: list[float]) -> dict[str, float | None]:
    count = len(values)
    if not count:
        empty = dict.fromkeys(("mean", "std", "min", "25%", "50%", "75%", "max"))
        return {"count": 0.0, **empty}
    values.sort()
    mean = sum(values) / count
    # d * d overflows to infinity, where d**2 would raise.
    squares = sum((value - mean) * (value - mean) for value in values)
    return {
        "count": float(count),
        "mean": mean,
        "std": math.sqrt(squares / (count - 1)) if count > 1 and squares >= 0 else None,
        "min": values[0],
        "25%": _quantile(values, 0.25),
        "50%": _quantile(values, 0.5),
        "75%": _quantile(values, 0.75),
        "max": values[-1],
    }


def _quantile(ordered: list[float], fraction: float) -> float:
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    if below == position or ordered[below] == ordered[above]:
        return ordered[below]
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
