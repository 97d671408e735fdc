"""The summary of an event file in the lineage: number of rows, steps, times, distribution."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ._kinds import ArtifactKind
from ._reader import Event

# Quartiles need the values themselves. Up to this number all are kept; of more values an evenly
# spaced selection, at least half as many, so that memory does not grow with the run.
_MAX_KEPT = 4096

_CHUNK = 4096


@dataclass(frozen=True)
class Span:
    """The extent of some rows: their number, steps and times.

    ``first_step`` and ``last_step`` are those of the first and the last row.
    """

    rows: int
    first_step: int | None
    last_step: int | None
    given_steps: int
    min_step: int | None
    max_step: int | None
    earliest: datetime
    latest: datetime

    @classmethod
    def of(cls, steps: Sequence[int | None], earliest: datetime, latest: datetime) -> Span:
        """The span of rows with these steps, at least one, between two moments."""
        given = [step for step in steps if step is not None]
        return cls(
            len(steps),
            steps[0],
            steps[-1],
            len(given),
            min(given, default=None),
            max(given, default=None),
            earliest,
            latest,
        )

    def followed_by(self, other: Span) -> Span:
        """The span of both, one after the other."""
        lows = [s for s in (self.min_step, other.min_step) if s is not None]
        highs = [s for s in (self.max_step, other.max_step) if s is not None]
        return Span(
            self.rows + other.rows,
            self.first_step,
            other.last_step,
            self.given_steps + other.given_steps,
            min(lows, default=None),
            max(highs, default=None),
            min(self.earliest, other.earliest),
            max(self.latest, other.latest),
        )


class Summary:
    """The summary of one event file, kept current as rows are added; in bounded memory.

    For metrics: count, mean, sample standard deviation, minimum, quartiles (linear
    interpolation), maximum and last value. NaN counts as missing; what is not finite is None.
    Beyond some thousand values the quartiles are those of an even selection of them.
    """

    def __init__(self, kind: str) -> None:
        self.last: float | None = None
        self._kind = kind
        self._span: Span | None = None
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0  # of the distances from the mean
        self._min = math.inf
        self._max = -math.inf
        self._kept = array("d")
        self._stride = 1

    @property
    def rows(self) -> int:
        """How many rows it covers."""
        return 0 if self._span is None else self._span.rows

    def add(self, span: Span, values: Sequence[float] = ()) -> None:
        """Add rows that follow those so far; ``values`` for a metric, one per row."""
        self._span = span if self._span is None else self._span.followed_by(span)
        if values:
            self.last = values[-1]
            self._add_values([value for value in values if value == value])  # without NaN

    def to_dict(self) -> dict[str, Any]:
        """With the keys that the Polyaxon UI reads."""
        summary: dict[str, Any] = {"is_event": True}
        span = self._span
        if span is not None and span.given_steps:
            # Polyaxon takes the bounds from the first and the last row: none where that has no
            # step.
            summary["step"] = {
                "count": span.given_steps,
                "min": None if span.first_step is None else span.min_step,
                "max": None if span.last_step is None else span.max_step,
            }
        if span is not None:
            summary["timestamp"] = {
                "min": span.earliest.isoformat(),
                "max": span.latest.isoformat(),
            }
        if self._kind == ArtifactKind.METRIC:
            described = {**self._describe(), "last": self.last}
            summary["metric"] = {key: _finite(number) for key, number in described.items()}
        return summary

    def _add_values(self, values: list[float]) -> None:
        count = len(values)
        if not count:
            return
        total = sum(values)
        mean = total / count
        # d * d overflows to infinity, where d**2 would raise.
        squares = sum([(value - mean) * (value - mean) for value in values])
        if self._count:
            # Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing
            # sample variances, 1979.
            distance = mean - self._sum / self._count
            weight = self._count * count / (self._count + count)
            squares += self._squares + distance * distance * weight
        self._squares = squares
        self._keep(values)
        self._count += count
        self._sum += total
        self._min = min(self._min, min(values))
        self._max = max(self._max, max(values))

    def _keep(self, values: list[float]) -> None:
        self._kept.extend(values[-self._count % self._stride :: self._stride])
        while len(self._kept) > _MAX_KEPT:
            self._kept = self._kept[::2]
            self._stride *= 2

    def _describe(self) -> dict[str, float | None]:
        count = self._count
        if not count:
            empty = dict.fromkeys(("mean", "std", "min", "25%", "50%", "75%", "max"))
            return {"count": 0.0, **empty}
        ordered = sorted(self._kept)
        squares = self._squares
        return {
            "count": float(count),
            "mean": self._sum / count,
            "std": math.sqrt(squares / (count - 1)) if count > 1 and squares >= 0 else None,
            "min": self._min,
            "25%": _quantile(ordered, 0.25),
            "50%": _quantile(ordered, 0.5),
            "75%": _quantile(ordered, 0.75),
            "max": self._max,
        }


def summarize_into(summary: Summary, kind: str, events: Iterable[Event]) -> None:
    """Add the rows of a file, or of a part of it, to its summary."""
    rows = iter(events)
    while chunk := list(islice(rows, _CHUNK)):
        times = [event.timestamp for event in chunk]
        span = Span.of([event.step for event in chunk], min(times), max(times))
        is_metric = kind == ArtifactKind.METRIC
        summary.add(span, [event.value for event in chunk] if is_metric else ())


def summarize(kind: str, events: Iterable[Event]) -> dict[str, Any]:
    """The summary of the rows of a file, as it stands in the lineage."""
    summary = Summary(kind)
    summarize_into(summary, kind, events)
    return summary.to_dict()


def _quantile(ordered: list[float], fraction: float) -> float:
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    if below == position or ordered[below] == ordered[above]:
        return ordered[below]
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
