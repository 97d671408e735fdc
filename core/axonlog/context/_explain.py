"""Show a context to a person: what was decided, who said so, and who was overruled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from axonlog.context._options import SETTINGS
from axonlog.context._setting import Setting, Shadowed

# What the original does and axonlog does not do yet. The settings are resolved all the same: they
# say what is wanted, as the original's do, and will count as soon as there is something to switch.
_NOT_BUILT = {name: row.missing for name, row in SETTINGS.items() if row.missing}

_HIDDEN = "**********"
_HEAD = ("setting", "value", "source")
# Wider values push the source to a line of its own, so that a path does not stretch the table.
_VALUE_WIDTH = 44


@dataclass(frozen=True)
class ExplainRow:
    """One setting, in words. ``value`` is what JSON can hold; a token is a row of stars."""

    field: str
    value: Any  # text, number, flag, list or None, as the field has it
    source: str
    path: str | None
    key: str | None
    shadowed: tuple[ExplainRow, ...] = ()

    @property
    def origin(self) -> str:
        """The source with its variable, argument or file."""
        return " ".join(part for part in (self.source, self.key, self.path) if part)

    def to_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "field": self.field,
            "value": self.value,
            "source": self.source,
            "key": self.key,
            "path": self.path,
            "shadowed": [
                {"value": row.value, "source": row.source, "key": row.key, "path": row.path}
                for row in self.shadowed
            ],
        }


@dataclass(frozen=True)
class Explanation:
    """The table of a context. Iterating gives the rows; nothing in it is secret."""

    rows: tuple[ExplainRow, ...]
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[ExplainRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, field: str) -> ExplainRow:
        for row in self.rows:
            if row.field == field:
                return row
        raise KeyError(field)

    def to_dict(self) -> dict[str, Any]:
        """The table for JSON: ``settings`` by name, and ``warnings``."""
        settings = {row.field: row.to_dict() for row in self.rows}
        return {"settings": settings, "warnings": list(self.warnings)}

    def to_json(self, *, indent: int | None = 2) -> str:
        """`to_dict` as text, all ASCII: it passes through any pipe or terminal."""
        return json.dumps(self.to_dict(), indent=indent)

    def __str__(self) -> str:
        left = max(len(row.field) for row in self.rows)
        widths = [len(_shown(row.value)) for row in self.rows]
        middle = max((w for w in widths if w <= _VALUE_WIDTH), default=_VALUE_WIDTH)
        lines = [
            _line(*_HEAD, left, middle),
            _line("-" * left, "-" * middle, "-" * 6, left, middle),
        ]
        for row in self.rows:
            lines += _lines(row, left, middle)
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html  # its table of entities costs more than all the rest here

        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in _HEAD)
        body = "".join(_html_row(row) for row in self.rows)
        notes = "".join(f"<p>⚠ {html.escape(warning)}</p>" for warning in self.warnings)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def explain(fields: Iterable[tuple[str, Any]], warnings: tuple[str, ...] = ()) -> Explanation:
    """The table of the settings among ``fields``, in their order.

    Args:
        fields: Names and values, as iterating over a ``Context`` gives them. Values that are no
            ``Setting`` are left out.
        warnings: Sentences to print below the table.
    """
    rows = []
    for field, setting in fields:
        if isinstance(setting, Setting):
            lost = tuple(_row(field, shadowed) for shadowed in setting.shadowed)
            rows.append(_row(field, setting, lost))
    return Explanation(tuple(rows), warnings)


def not_built_yet(fields: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """A sentence for each thing that is not built yet and that somebody asked for by name.

    Args:
        fields: Names and values, as iterating over a ``Context`` gives them.
    """
    settings = dict(fields)
    for field, what in _NOT_BUILT.items():
        setting: Setting[bool] = settings[field]
        if setting.value and setting.source != "default":
            origin = _row(field, setting).origin
            yield f"{field} (from {origin}) has no effect: {what} is not built yet"


def _row(
    field: str, said: Setting[Any] | Shadowed, shadowed: tuple[ExplainRow, ...] = ()
) -> ExplainRow:
    value = said.value
    if field in _NOT_BUILT and value is True:
        value = "not built yet"  # a bare yes would be a promise
    elif isinstance(value, SecretStr):
        value = _HIDDEN
    elif isinstance(value, tuple):
        value = list(value)
    return ExplainRow(field, value, said.source, said.path, said.key, shadowed)


def _shown(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _line(field: str, value: str, origin: str, left: int, middle: int) -> str:
    return f"{field:<{left}}  {value:<{middle}}  {origin}".rstrip()


def _lines(row: ExplainRow, left: int, middle: int) -> Iterator[str]:
    value = _shown(row.value)
    if len(value) <= middle:
        yield _line(row.field, value, row.origin, left, middle)
    else:
        yield _line(row.field, value, "", left, middle)
        yield _line("", "", row.origin, left, middle)
    for lost in row.shadowed:
        yield _line("", "", f"  over {_shown(lost.value)} ({lost.origin})", left, middle)


def _html_row(row: ExplainRow) -> str:
    import html

    lost = "".join(
        f"<br><small>over {html.escape(_shown(shadowed.value))} "
        f"({html.escape(shadowed.origin)})</small>"
        for shadowed in row.shadowed
    )
    cells = (html.escape(row.field), html.escape(_shown(row.value)), html.escape(row.origin) + lost)
    return "<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells) + "</tr>"
