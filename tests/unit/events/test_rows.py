import json
from datetime import datetime, timezone

from axonlog.events import header, json_row, metric_row

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_a_row_begins_with_its_line_break_and_always_shows_microseconds():
    assert metric_row(3, MOMENT, 0.5) == "\n3|2026-01-02 03:04:05.000000+00:00|0.5"


def test_a_missing_step_leaves_its_column_empty():
    assert metric_row(None, MOMENT, float("nan")) == "\n|2026-01-02 03:04:05.000000+00:00|nan"


def test_the_header_names_the_kind():
    assert header("metric") == "step|timestamp|metric"


def test_a_document_has_no_bar_no_nan_and_no_empty_keys():
    row = json_row(1, MOMENT, {"path": "a|b", "framework": None, "spec": {"lr": float("nan")}})
    value = row.split("|", 2)[2]
    assert "|" not in value
    assert json.loads(value) == {"path": "a|b", "spec": {"lr": None}}
