import json
import logging
import math
from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axonlog.events import (
    Event,
    header,
    json_row,
    metric_row,
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
    rows = [metric_row(1, MOMENT, 0.5), metric_row(None, MOMENT, 1e300)]
    events = list(read_events(write(tmp_path / "loss.plx", *rows)))
    assert events == [Event(1, MOMENT, "0.5"), Event(None, MOMENT, "1e+300")]
    assert [event.value for event in events] == [0.5, 1e300]


GOOD = metric_row(7, MOMENT, 0.5)


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
    torn = json_row(2, MOMENT, document)[:-4]
    nested = "\n3|2026-01-02 03:04:05.000000+00:00|" + "[" * 100_000
    path = write(tmp_path / "a.plx", json_row(1, MOMENT, document), torn, nested, kind="image")
    (event,) = read_events(path)
    assert json.loads(event.text) == document
    assert math.isnan(event.value)


def test_reading_can_begin_behind_any_row(tmp_path):
    path = write(tmp_path / "loss.plx", GOOD)
    size = path.stat().st_size
    write(path, GOOD, metric_row(8, MOMENT, 0.25))
    assert [event.step for event in read_events(path, offset=size)] == [8]


ROW_PIECES = st.sampled_from([
    *(b"\n", b"|", b"1", b"-", b"1e", b"nan", b"\xff", b"\0", b"{}", b"[", b"\r"),
    *(header("metric").encode(), GOOD.encode(), b"9999-12-31 23:59:59-23:59", b"0001-01-01"),
    b"\n3|0001-01-01 00:00+23:59|1",
])  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary() | st.lists(ROW_PIECES | st.binary(max_size=3)).map(b"".join),
    st.sampled_from(["metric", "image", None]),
    st.integers(0, 40),
)
def test_no_content_makes_reading_fail(tmp_path, content, kind, offset):
    path = tmp_path / "any.plx"
    path.write_bytes(content)
    list(read_events(path, kind=kind, offset=offset))
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
