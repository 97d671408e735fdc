"""A table that fits."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonlog.cli._table import Cell, Column, cell_width, fit, render
from axonlog.cli._terminal import Screen

COLUMNS = (
    Column("ID"),
    Column("SIZE", rank=3, is_right=True),
    Column("PLACE", rank=2, min_width=6),
    Column("NAME", rank=1, min_width=6),
)


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (None, {0: 8, 1: 5, 2: 20, 3: 30}),
        (100, {0: 8, 1: 5, 2: 20, 3: 30}),
        (60, {0: 8, 1: 5, 2: 20, 3: 21}),
        (31, {0: 8, 1: 5, 2: 6, 3: 6}),
        (30, {0: 8, 2: 9, 3: 9}),
        (23, {0: 8, 3: 13}),
        (9, {0: 8}),
        (3, {0: 8}),
    ],
)
def test_columns_are_cut_off_and_then_left_out(width, widths):
    assert fit(COLUMNS, [8, 5, 20, 30], width) == widths


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("größe", 5), ("模型", 4), ("e\u0301", 1), ("\u200b", 0), ("", 0)],
)
def test_a_character_takes_the_places_that_a_terminal_gives_it(text, width):
    assert cell_width(text) == width


@given(
    names=st.lists(st.text(st.characters(categories=("L", "N", "Mn", "So"))), min_size=1),
    width=st.integers(20, 80),
)
def test_no_line_is_wider_than_the_screen(names, width):
    class Narrow(Screen):
        @property
        def width(self):
            return width

    rows = [[Cell("1234"), Cell("9"), Cell("here"), Cell(name)] for name in names]
    lines = render(COLUMNS, rows, Narrow()).split("\n")
    assert len(lines) == len(names) + 1
    assert max(map(cell_width, lines)) <= width


def test_a_cell_is_painted_and_its_padding_is_not(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    columns = (Column("A"), Column("B", is_right=True))
    rows = [[Cell("x", "red"), Cell("1")], [Cell("long"), Cell("22", "dim")]]
    assert render(columns, rows, Screen()).split("\n") == [
        "\x1b[2mA\x1b[0m      \x1b[2mB\x1b[0m",
        "\x1b[31mx\x1b[0m      1",
        "long  \x1b[2m22\x1b[0m",
    ]
