"""The table: medians, and how axonlog stands to the floor and to the best peer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from contestants import FLOORS, OURS, PEERS
from plan import Row

# Figures by job, by contestant: one entry for each time it was measured.
Results = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]

_PEER_NAMES = tuple(entry.name for entry in PEERS)
_FLOOR = FLOORS[0].name


def table(rows: Sequence[Row], results: Results, names: Sequence[str]) -> str:
    """A Markdown table, one column for each contestant.

    Args:
        rows: The lines.
        results: What was measured.
        names: The contestants, in the order of the columns.
    """
    has_peers = any(name in _PEER_NAMES for name in names)
    heads = ["", "goal", *names, "x floor", *(["beside the best peer"] if has_peers else [])]
    lines = [_line(heads), _line(["---", "---", *["--:"] * (len(heads) - 2)])]
    for row in rows:
        values = {name: median(row, results, name) for name in names}
        cells = [row.label, row.goal, *(_number(values[name]) for name in names)]
        cells.append(_beside_floor(row, values))
        if has_peers:
            cells.append(_beside_best(row, values))
        lines.append(_line(cells))
    return "\n".join(lines)


def median(row: Row, results: Results, name: str) -> float | None:
    """The median of a figure, or None where it was not measured."""
    measured = [figures[row.figure] for figures in results.get(row.job, {}).get(name, ())]
    return statistics.median(measured) * row.scale if measured else None


def _beside_best(row: Row, values: Mapping[str, float | None]) -> str:
    ours = values.get(OURS.name)
    peers = {name: value for name in _PEER_NAMES if (value := values.get(name)) is not None}
    if ours is None or not peers:
        return "-"
    best = (max if row.more_is_better else min)(peers, key=lambda name: peers[name])
    better, worse = (ours, peers[best]) if row.more_is_better else (peers[best], ours)
    if better == worse:
        return f"as {best}"
    if min(better, worse) <= 0:
        return f"{'better' if better > worse else 'worse'} than {best}"
    factor = max(better, worse) / min(better, worse)
    return f"{factor:.3g} x {'better' if better > worse else 'worse'} than {best}"


def _beside_floor(row: Row, values: Mapping[str, float | None]) -> str:
    """How many times as dear as the floor."""
    ours, floor = values.get(OURS.name), values.get(_FLOOR)
    if row.more_is_better:
        ours, floor = floor, ours
    return "-" if not ours or not floor or min(ours, floor) < 0 else f"{ours / floor:.2g}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value and abs(value) < 0.095:
        return f"{value:.2f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
