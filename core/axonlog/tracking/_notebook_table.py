"""A run as a small table, for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

_MAX_VALUES = 20
_LEFT = "style='text-align:left'"


def run_table(facts: Iterable[tuple[str, str | None]], outputs: Mapping[str, object]) -> str:
    """The HTML of a table with ``facts`` and the newest of a run's ``outputs``.

    Args:
        facts: A word and what it is for this run; one without a value is left out.
        outputs: Last values of metrics, and what else was recorded as an output.
    """
    rows = [(name, value) for name, value in facts if value]
    shown = [
        (name, value) for name, value in outputs.items() if not isinstance(value, (dict, list))
    ]
    rows += [(name, _number(value)) for name, value in shown[:_MAX_VALUES]]
    more = len(outputs) - len(shown[:_MAX_VALUES])
    if more:
        rows.append(("...", f"and {more} more outputs"))
    body = "".join(
        f"<tr><th {_LEFT}>{html.escape(name)}</th><td {_LEFT}>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
