"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from axonlog.cli._format import age, count, size

NOW = datetime(2024, 5, 6, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86399, "23 h"), (900_000, "10 d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds, words):
    assert age(NOW - timedelta(seconds=seconds), NOW) == words


def test_an_unknown_age_is_a_dash():
    assert age(None, NOW) == "-"


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_400_000, "3.4 MB"), (5e15, "5000.0 TB")],
)
def test_a_size_has_a_decimal_prefix(size_bytes, words):
    assert size(size_bytes) == words


def test_one_thing_is_singular():
    assert [count(number, "run") for number in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]
