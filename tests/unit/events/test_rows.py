import json
from datetime import datetime, timezone

import numpy
import pytest

from axonlog.events import event_row, header

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_a_row_begins_with_its_line_break_and_always_shows_microseconds():
    assert event_row("metric", 3, MOMENT, 0.5) == "\n3|2026-01-02 03:04:05.000000+00:00|0.5"


def test_a_missing_step_leaves_its_column_empty():
    assert (
        event_row("metric", None, MOMENT, float("nan")) == "\n|2026-01-02 03:04:05.000000+00:00|nan"
    )


def test_the_header_names_the_kind():
    assert header("metric") == "step|timestamp|metric"


def test_a_document_has_no_bar_no_nan_and_no_empty_keys():
    row = event_row(
        "model", 1, MOMENT, {"path": "a|b", "framework": None, "spec": {"lr": float("nan")}}
    )
    value = row.split("|", 2)[2]
    assert "|" not in value
    assert json.loads(value) == {"path": "a|b", "spec": {"lr": None}}


def test_text_is_a_json_line_whose_bars_and_breaks_stay():
    row = event_row("text", 1, MOMENT, "a|b\n\u00e4")
    assert row == (
        '\n{"timestamp": "2026-01-02 03:04:05.000000+00:00", "step": 1, "text": "a|b\\n\\u00e4"}'
    )


@pytest.mark.parametrize("kind", ["chart", "span"])
def test_a_chart_is_json_in_a_string_of_a_json_line(kind):
    row = event_row(kind, None, MOMENT, {"kind": "plotly", "figure": {"y": [float("nan")]}})
    line = json.loads(row)
    assert (line["step"], json.loads(line[kind])) == (
        None,
        {"kind": "plotly", "figure": {"y": [None]}},
    )
    assert event_row(kind, None, MOMENT, line[kind]) == row


def test_json_that_is_given_as_text_stays_in_its_row_of_a_table():
    row = event_row("curve", 1, MOMENT, '{\n  "x": ["a|b"]\n}')
    assert row.count("\n") == 1
    assert json.loads(row.split("|", 2)[2]) == {"x": ["a|b"]}


def test_a_number_of_numpy_is_written_without_the_name_of_its_type():
    assert event_row("metric", 1, MOMENT, numpy.float64(0.5)).endswith("|0.5")
