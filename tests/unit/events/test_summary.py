import math
from datetime import datetime, timedelta, timezone

import numpy
import pytest

from axonlog.events import Event, summarize

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def events(values, first_step=0):
    return [
        Event(first_step + i, MOMENT + timedelta(seconds=i), repr(value))
        for i, value in enumerate(values)
    ]


def test_a_metric_is_described_as_numpy_would():
    values = [0.5, 0.25, 4.0, -1.0, 0.125]
    summary = summarize("metric", events(values, first_step=10))
    assert summary["step"] == {"count": 5, "min": 10, "max": 14}
    assert summary["timestamp"] == {
        "min": "2026-01-02T03:04:05+00:00",
        "max": "2026-01-02T03:04:09+00:00",
    }
    described = summary["metric"]
    assert described.pop("last") == 0.125
    expected = {
        "count": 5.0,
        "mean": numpy.mean(values),
        "std": numpy.std(values, ddof=1),
        "min": -1.0,
        "25%": numpy.quantile(values, 0.25),
        "50%": numpy.quantile(values, 0.5),
        "75%": numpy.quantile(values, 0.75),
        "max": 4.0,
    }
    assert described == pytest.approx(expected)


def test_nan_counts_as_missing_and_infinity_leaves_gaps():
    described = summarize("metric", events([math.nan, math.inf, 2.0]))["metric"]
    assert described == {
        "count": 2.0,
        "mean": None,
        "std": None,
        "min": 2.0,
        "25%": None,
        "50%": None,
        "75%": None,
        "max": None,
        "last": 2.0,
    }


def test_one_value_has_no_deviation():
    assert summarize("metric", events([3.0]))["metric"]["std"] is None


def test_only_nan_describes_nothing():
    described = summarize("metric", events([math.nan]))["metric"]
    assert described.pop("count") == 0.0
    assert set(described.values()) == {None}


def test_other_kinds_have_steps_and_times_only():
    summary = summarize("model", [Event(None, MOMENT, "{}")])
    assert summary == {
        "is_event": True,
        "timestamp": {"min": "2026-01-02T03:04:05+00:00", "max": "2026-01-02T03:04:05+00:00"},
    }
