"""A table that fits: into a terminal of any width, and whole where there is no terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ._terminal import Screen

_GAP = "  "
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Column:
    """One column. Where there is no room, those with the highest ``rank`` are left out first.

    ``min_width`` is how far its cells may be cut off to make room; 0 is not at all.
    """

    head: str
    rank: int = 0
    is_right: bool = False
    min_width: int = 0


@dataclass(frozen=True)
class Cell:
    """A text of one line, and its style."""

    text: str
    style: str = ""


def render(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], screen: Screen) -> str:
    """The table, with a line of heads; no line ends with spaces or is longer than the screen."""
    lines = [[Cell(column.head, "dim") for column in columns], *rows]
    natural = [max(cell_width(line[at].text) for line in lines) for at in range(len(columns))]
    widths = fit(columns, natural, screen.width)
    return "\n".join(_line(columns, widths, line, screen) for line in lines)


def fit(columns: Sequence[Column], natural: Sequence[int], width: int | None) -> dict[int, int]:
    """The width of each column that is shown, by its index.

    Args:
        columns: All columns; those of rank 0 are always shown.
        natural: The width of the widest cell of each.
        width: What there is for a line; None is any.
    """
    if width is None:
        return dict(enumerate(natural))
    least = [
        min(wide, max(column.min_width, len(column.head))) if column.min_width else wide
        for column, wide in zip(columns, natural, strict=True)
    ]
    shown = list(range(len(columns)))
    while (spare := width - sum(least[at] + len(_GAP) for at in shown) + len(_GAP)) < 0:
        last = max(shown, key=lambda at: columns[at].rank)
        if not columns[last].rank:
            break
        shown.remove(last)
    widths = {at: least[at] for at in shown}
    # The column that wants least is served first: what it leaves is the others'.
    hungry = sorted(shown, key=lambda at: natural[at] - least[at])
    for number, at in enumerate(hungry):
        more = min(natural[at] - least[at], max(0, spare) // (len(hungry) - number))
        widths[at] += more
        spare -= more
    return widths


def cell_width(text: str) -> int:
    """How many places of a terminal ``text`` takes: a wide character two, an accent none."""
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _line(
    columns: Sequence[Column], widths: dict[int, int], cells: Sequence[Cell], screen: Screen
) -> str:
    padded = []
    for at, width in widths.items():
        text = _cut(cells[at].text, width)
        space = " " * (width - cell_width(text))
        painted = screen.paint(text, cells[at].style)
        padded.append(f"{space}{painted}" if columns[at].is_right else f"{painted}{space}")
    return _GAP.join(padded).rstrip()


def _cut(text: str, width: int) -> str:
    if cell_width(text) <= width:
        return text
    room, kept = width - 1, ""
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept += char
    return f"{kept}{_ELLIPSIS}"
