import json
import logging
import math
from array import array
from datetime import datetime, timedelta, timezone
from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axonlog.events import (
    Event,
    _reader,
    event_kind,
    event_row,
    header,
    read_columns,
    read_events,
    summarize,
    torn_tail_bytes,
)

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)


def write(path, *rows, kind="metric"):
    data = [row if isinstance(row, bytes) else row.encode() for row in rows]
    path.write_bytes(b"".join([header(kind).encode(), *data]))
    return path


def test_what_was_written_is_read_back(tmp_path):
    rows = [event_row("metric", 1, MOMENT, 0.5), event_row("metric", None, MOMENT, 1e300)]
    events = list(read_events(write(tmp_path / "loss.plx", *rows)))
    assert events == [Event(1, MOMENT, "0.5"), Event(None, MOMENT, "1e+300")]
    assert [event.value for event in events] == [0.5, 1e300]


GOOD = event_row("metric", 7, MOMENT, 0.5)


@pytest.mark.parametrize(
    "bad",
    [
        "\n2|2026-01-02 03:",
        "\n2|2026-01-02 03:04:05.000000+00:00|1e",
        "\n2|2026-01-02 03:04:05.000000+00:00|",
        '\n2|2026-01-02 03:04:05.000000+00:00|{"kind":"file","path":"assets/a"}',
        b"\n2|2026-01-02 03:04:05.000000+00:00|0.\xff5",
        b"\n2|2026-01-02 03:04:05.000000+00:00|0.5\0\0\0\0",
        "\nx|2026-01-02 03:04:05.000000+00:00|0.5",
        "\n2|yesterday|0.5",
        "\ngarbage",
        "\n" + "9" * 5000 + "|2026-01-02 03:04:05.000000+00:00|0.5",
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_reported_once(tmp_path, caplog, bad):
    path = write(tmp_path / "loss.plx", GOOD, bad, GOOD, bad)
    for _ in range(2):
        assert [(event.step, event.value) for event in read_events(path)] == [(7, 0.5)] * 2
        assert summarize("metric", read_events(path))["metric"]["count"] == 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"{path}: 2 rows cannot be read and are left out, the first in line 3: " in (
        record.getMessage()
    )


@pytest.mark.parametrize(
    "content", [b"", b"step|timestamp|metric", b"\0" * 100, b"step|tim", b"\n"]
)
def test_a_file_without_rows_has_no_events(tmp_path, content):
    (tmp_path / "loss.plx").write_bytes(content)
    assert list(read_events(tmp_path / "loss.plx")) == []


def test_a_time_without_a_zone_is_utc_and_can_be_summarized_with_others(tmp_path):
    path = write(tmp_path / "loss.plx", "\n1|2026-01-02 03:04:05.678901|0.25", GOOD)
    assert [event.timestamp for event in read_events(path)] == [MOMENT, MOMENT]
    assert summarize("metric", read_events(path))["metric"]["last"] == 0.5


def test_a_file_that_lost_its_header_keeps_its_first_row(tmp_path):
    (tmp_path / "loss.plx").write_text(GOOD[1:] + GOOD)
    assert len(list(read_events(tmp_path / "loss.plx", kind="metric"))) == 2


def test_a_document_is_read_if_it_is_whole(tmp_path):
    document = {"path": "assets/a.png"}
    torn = event_row("model", 2, MOMENT, document)[:-4]
    nested = "\n3|2026-01-02 03:04:05.000000+00:00|" + "[" * 100_000
    path = write(
        tmp_path / "a.plx", event_row("model", 1, MOMENT, document), torn, nested, kind="model"
    )
    (event,) = read_events(path)
    assert json.loads(event.text) == document
    assert math.isnan(event.value)


LINES = ["text", "html", "chart", "span"]
VALUES = {"text": "a|b\n<c>", "html": "<p>|</p>", "chart": {"figure": [1]}, "span": {"name": "s"}}


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("named", [True, False])
def test_json_lines_are_read_back(tmp_path, kind, named):
    rows = [event_row(kind, step, MOMENT, VALUES[kind]) for step in (1, None)]
    path = write(tmp_path / "a.plx", *rows, kind=kind)
    assert path.read_bytes().startswith(b'\n{"timestamp": "2026-01-02 03:04:05.678901+00:00", ')
    events = list(read_events(path, kind=kind if named else None))
    assert [(event.step, event.timestamp) for event in events] == [(1, MOMENT), (None, MOMENT)]
    assert [event_kind(kind).read(event.text) for event in events] == [VALUES[kind]] * 2
    columns = read_columns(path, kind=kind if named else None)
    assert (columns.steps, columns.values) == ([1, None], [VALUES[kind]] * 2)
    span = summarize(kind, events)
    assert span["step"] == {"count": 1, "min": 1, "max": None}
    assert span["timestamp"] == {"min": MOMENT.isoformat(), "max": MOMENT.isoformat()}


@pytest.mark.parametrize(
    "bad",
    [
        '\n{"timestamp": "2026-01-02 03:04:05+00:00", "step": 1, "text": "a',
        '\n{"timestamp": "2026-01-02 03:04:05+00:00", "step": 1}',
        '\n{"timestamp": "2026-01-02 03:04:05+00:00", "step": "x", "text": "a"}',
        '\n{"timestamp": null, "step": 1, "text": "a"}',
        '\n["timestamp", "text"]',
        "\n5",
        b'\n{"timestamp": "2026-01-02 03:04:05+00:00", "step": 1, "text": "\xff"}',
    ],
)
def test_a_json_line_that_cannot_be_read_is_left_out_and_reported(tmp_path, caplog, bad):
    good = event_row("text", 7, MOMENT, "a")
    path = write(tmp_path / "a.plx", good, bad, good, kind="text")
    assert list(read_events(path, kind="text")) == [Event(7, MOMENT, "a")] * 2
    assert read_columns(path, kind="text").values == ["a", "a"]
    (record,) = caplog.records
    assert f"{path}: 1 row cannot be read and is left out, the first in line 3: " in (
        record.getMessage()
    )


def test_reading_can_begin_behind_any_row(tmp_path):
    path = write(tmp_path / "loss.plx", GOOD)
    size = path.stat().st_size
    write(path, GOOD, event_row("metric", 8, MOMENT, 0.25))
    assert [event.step for event in read_events(path, offset=size)] == [8]


ROW_PIECES = st.sampled_from([
    *(b"\n", b"|", b"1", b"-", b"1e", b"nan", b"\xff", b"\0", b"{}", b"[", b"\r"),
    *(header("metric").encode(), GOOD.encode(), b"9999-12-31 23:59:59-23:59", b"0001-01-01"),
    b"\n3|0001-01-01 00:00+23:59|1",
    *(event_row(kind, 3, MOMENT, value).encode() for kind, value in VALUES.items()),
])  # fmt: skip


def same(events, path, **arguments):
    """Both ways of reading give the same."""
    columns = read_columns(path, **arguments)
    assert columns.steps == [event.step for event in events]
    assert columns.times == [event.timestamp for event in events]
    if isinstance(columns.values, array):
        assert list(map(repr, columns.values)) == [repr(event.value) for event in events]
    else:
        assert len(columns.values) == len(events)


STEPS = st.none() | st.integers(-(2**70), 2**70)
ZONES = st.sampled_from([None, timezone.utc, timezone(timedelta(hours=-3, minutes=7))])
METRICS = st.tuples(STEPS, st.datetimes(timezones=ZONES), st.floats()).map(
    lambda row: event_row("metric", *row).encode()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(METRICS | ROW_PIECES, max_size=30), st.booleans(), st.data(), st.integers(1, 400))
def test_columns_hold_what_the_events_do(tmp_path, monkeypatch, rows, is_whole, data, block_bytes):
    monkeypatch.setattr(_reader, "_BLOCK_BYTES", block_bytes)
    path = tmp_path / "loss.plx"
    begin = [header("metric").encode()] if is_whole else []
    path.write_bytes(b"".join([*begin, *rows]))
    ends = [0, *accumulate(map(len, [*begin, *rows]))]
    ends = [end for end in ends if path.read_bytes()[end : end + 1] in (b"", b"\n")]
    offset = data.draw(st.sampled_from([0, *ends]))
    end = data.draw(st.sampled_from([None, *ends]))
    arguments = {"kind": "metric", "offset": offset, "end": end}
    same(list(read_events(path, **arguments)), path, **arguments)


def test_damage_in_one_block_of_columns_costs_only_its_rows(tmp_path, caplog):
    rows = [event_row("metric", step, MOMENT, step / 3) for step in range(5000)]
    path = write(tmp_path / "loss.plx", *rows[:3000], "\n3000|2026", *rows[3000:])
    columns = read_columns(path)
    assert columns.steps == [*range(5000)]
    assert columns.values == array("d", [step / 3 for step in range(5000)])
    assert "1 row cannot be read and is left out, the first in line 3002: " in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary() | st.lists(ROW_PIECES | st.binary(max_size=3)).map(b"".join),
    st.sampled_from(["metric", "model", "text", "chart", None]),
    st.integers(0, 40),
)
def test_no_content_makes_reading_fail(tmp_path, content, kind, offset):
    path = tmp_path / "any.plx"
    path.write_bytes(content)
    same(list(read_events(path, kind=kind, offset=offset)), path, kind=kind, offset=offset)
    json.dumps(summarize(kind or "metric", read_events(path, kind=kind)), allow_nan=False)
    with path.open("rb") as file:
        assert 0 <= torn_tail_bytes(file, kind or "metric") <= len(content)


@pytest.mark.parametrize(
    ("rows", "torn"),
    [
        (["step|timestamp|metric", GOOD], ""),
        (["step|timestamp|metric", GOOD], "\n2|2026-01-02 03:04:05.000000+00:00|1e"),
        (["step|timestamp|metric", GOOD], "\n2|2026-01-02 03:04:05.000000+00:00|1e\n"),
        (["step|timestamp|metric"], "\n2"),
        (["step|timestamp|metric", GOOD], "\n" + "\0" * 300_000),
        ([], "step|times"),
        ([], "\0" * 100),
        (["\n", '{"timestamp": "2026-01-02", "text": "a'], ""),  # not a table: left alone
    ],
)
def test_a_torn_end_is_measured(tmp_path, rows, torn):
    (tmp_path / "a.plx").write_text("".join([*rows, torn]))
    with (tmp_path / "a.plx").open("rb") as file:
        assert torn_tail_bytes(file, "metric") == len(torn)


TEXT = event_row("text", 7, MOMENT, "a|b")


@pytest.mark.parametrize(
    ("rows", "torn"),
    [
        ([TEXT], ""),
        ([TEXT, TEXT], TEXT[:-1]),
        ([TEXT], TEXT[:2]),
        ([TEXT], "\n" + "\0" * 300_000),
        ([], TEXT[:30]),
        ([], "\0" * 100),
        (["step|timestamp|text", "\n1|2026"], ""),  # a table: left alone
        (["somebody's own notes\n", "x"], ""),
    ],
)
def test_a_torn_end_of_json_lines_is_measured(tmp_path, rows, torn):
    (tmp_path / "a.plx").write_text("".join([*rows, torn]))
    with (tmp_path / "a.plx").open("rb") as file:
        assert torn_tail_bytes(file, "text") == len(torn)
