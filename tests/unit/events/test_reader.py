from datetime import datetime, timezone

import pytest

from axonlog.errors import EventError
from axonlog.events import Event, header, metric_row, read_events

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)


def write(path, *rows):
    path.write_text(header("metric") + "".join(rows))
    return path


def test_what_was_written_is_read_back(tmp_path):
    rows = [metric_row(1, MOMENT, 0.5), metric_row(None, MOMENT, 1e300)]
    events = list(read_events(write(tmp_path / "loss.plx", *rows)))
    assert events == [Event(1, MOMENT, "0.5"), Event(None, MOMENT, "1e+300")]
    assert [event.value for event in events] == [0.5, 1e300]


def test_a_torn_last_row_is_left_out(tmp_path):
    path = write(tmp_path / "loss.plx", metric_row(1, MOMENT, 0.5), "\n2|2026-01-02 03:")
    assert [event.step for event in read_events(path)] == [1]


def test_a_broken_row_before_the_end_is_named(tmp_path):
    path = write(tmp_path / "loss.plx", "\ngarbage", metric_row(1, MOMENT, 0.5))
    with pytest.raises(EventError, match=r"loss\.plx:2: ") as caught:
        list(read_events(path))
    assert (caught.value.path, caught.value.line) == (path, 2)
