"""What is to be encoded survives the process that was given it."""

import json
import os
import resource
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from axonlog.errors import CacheError
from axonlog.events import read_events
from axonlog.store import (
    FileLock,
    RunDirectory,
    RunRecord,
    RunStore,
    Spool,
    SpooledEvent,
    count_unreplayed,
    repair,
)

FRESH = RunRecord(uuid="1" * 32, owner="acme", project="digits")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def event(step=1, *, name="digits", kind="image", parameters=None, buffers=(b"ab", b"", b"c" * 9)):
    moment = MOMENT + timedelta(seconds=step)
    return SpooledEvent(name, step, moment, kind, "image", parameters or {"w": 2}, buffers)


def encode(given):
    return {"path": f"assets/{given.name}_{given.step}", "bytes": sum(map(len, given.buffers))}


def steps(path, kind="image", name="digits"):
    return [row.step for row in read_events(path / "events" / kind / f"{name}.plx", kind=kind)]


def die(path, *events, append_first=False):
    """Put events in the spool in a process that is killed then."""
    child = os.fork()
    if child == 0:
        store = RunStore.open(path, FRESH)
        if not append_first:
            store.journal.append({"loss": 0.5}, 1, None)
        tickets = [store.spool.put(item) for item in events]
        if append_first:
            first = tickets[0].take()
            store.append_event("image", first.name, first.step, first.timestamp, encode(first))
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def spooled(path):
    return sorted(file.name for file in RunDirectory(path).spool.glob("*.event*"))


def test_an_event_comes_back_as_it_was_put_in_and_nobody_else_may_read_it(tmp_path):
    spool = Spool(RunDirectory(tmp_path), "1-2")
    many = tuple(bytes([number % 256]) * number for number in range(3000))
    given = [event(1), event(2, parameters={"shape": [1, None]}, buffers=many), event(3)]
    given.append(SpooledEvent("a/b", None, MOMENT, "text", "text", {}, source=Path("/x/y")))
    tickets = [spool.put(item) for item in given]
    assert spool.pending() == tickets == sorted(tickets)
    assert [ticket.take() for ticket in tickets] == given
    assert {ticket.path.stat().st_mode & 0o777 for ticket in tickets} == {0o600}
    for ticket in tickets:
        ticket.done()
    spool.close()
    assert not RunDirectory(tmp_path).spool.exists()


def test_views_of_any_shape_are_kept_as_their_bytes(tmp_path):
    view = memoryview(bytes(range(12))).cast("B", (3, 4))
    ticket = Spool(RunDirectory(tmp_path), "1-2").put(event(buffers=(view, bytearray(b"x"))))
    assert [*map(bytes, ticket.take().buffers)] == [bytes(range(12)), b"x"]


def test_events_of_a_killed_process_are_encoded_by_its_repair_in_the_order_of_the_calls(tmp_path):
    die(tmp_path, event(3), event(1), event(2, name="other"), event(2))
    assert count_unreplayed(tmp_path, with_living=False).points == 1 + 4
    report = repair(tmp_path, encode=encode)
    assert report is not None
    assert (report.points, report.events) == (1, 4)
    assert steps(tmp_path) == [3, 1, 2]
    assert steps(tmp_path, name="other") == [2]
    row = next(read_events(tmp_path / "events/image/digits.plx"))
    assert (json.loads(row.text), row.timestamp) == (encode(event(3)), event(3).timestamp)
    kinds = {e["name"]: e["kind"] for e in json.loads((tmp_path / "lineages.plx.json").read_text())}
    assert kinds == {"loss": "metric", "digits": "image", "other": "image"}
    assert not (tmp_path / ".axonlog").exists()
    assert repair(tmp_path, encode=encode) is None


def test_the_next_process_of_the_run_encodes_what_the_one_before_left(tmp_path, monkeypatch):
    die(tmp_path, event(1), event(2))
    monkeypatch.setattr("axonlog.store._repair.encode_event", lambda _, given: encode(given))
    store = RunStore.open(tmp_path, FRESH)
    mine = store.spool.put(event(3))
    assert steps(tmp_path) == [1, 2]
    assert not store.close()  # its own event is not encoded
    assert spooled(tmp_path) == [mine.path.name]


def test_the_spool_of_a_living_process_is_left_to_it(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    ticket = store.spool.put(event(1))
    assert repair(tmp_path, encode=encode) is None
    assert count_unreplayed(tmp_path, with_living=False).points == 0
    assert count_unreplayed(tmp_path, with_living=True).points == 1
    ticket.done()
    assert store.close()
    assert not (tmp_path / ".axonlog").exists()


def test_a_row_that_was_written_before_the_death_is_not_written_again(tmp_path):
    die(tmp_path, event(1), append_first=True)
    report = repair(tmp_path, encode=encode)
    assert report is not None
    assert report.events == 0
    assert steps(tmp_path) == [1]
    assert json.loads((tmp_path / "run.plx.json").read_text())["meta_info"] == {"has_events": True}
    summary = {
        e["name"]: e["summary"] for e in json.loads((tmp_path / "lineages.plx.json").read_text())
    }
    assert summary["digits"]["step"]["count"] == 1


@pytest.mark.parametrize("damage", ["cut", "zeros", "other"])
def test_a_torn_event_is_set_aside_and_reported_once(tmp_path, caplog, damage):
    die(tmp_path, event(1), event(2))
    first = RunDirectory(tmp_path).spool / spooled(tmp_path)[0]
    content = first.read_bytes()
    damaged = {"cut": content[:-1], "zeros": content[:-2] + b"\0\0", "other": b"something"}
    first.write_bytes(damaged[damage])
    for _ in range(2):
        repair(tmp_path, encode=encode)
    assert steps(tmp_path) == [2]
    (record,) = [r for r in caplog.records if "kept as" in r.getMessage()]
    assert f"{first}.unreadable: " in record.getMessage()
    assert spooled(tmp_path) == [f"{first.name}.unreadable"]
    assert count_unreplayed(tmp_path, with_living=False).points == 0


def test_an_event_that_cannot_be_encoded_is_set_aside_and_the_others_go_on(tmp_path, caplog):
    def encode_most(given):
        return encode(given) if given.step != 1 else 1 / 0

    die(tmp_path, event(1), event(2))
    repair(tmp_path, encode=encode_most)
    assert steps(tmp_path) == [2]
    assert "division by zero" in caplog.text


def test_a_series_waits_in_order_for_a_library_that_is_missing(tmp_path, caplog):
    def encode_without_pillow(given):
        if given.name == "digits" and given.step == 1:
            raise ImportError("pip install pillow")
        return encode(given)

    die(tmp_path, event(1), event(2), event(1, name="other"))
    repair(tmp_path, encode=encode_without_pillow)
    assert steps(tmp_path, name="other") == [1]
    assert "image 'digits', step 1, waits in " in caplog.text
    assert "pip install pillow" in caplog.text
    assert not (tmp_path / "events/image/digits.plx").exists()
    repair(tmp_path, encode=encode)
    assert steps(tmp_path) == [1, 2]


def test_two_processes_do_not_encode_the_same(tmp_path):
    die(tmp_path, event(1))
    with FileLock(RunDirectory(tmp_path).spool / "lock").held():
        repair(tmp_path, encode=encode)
        assert not (tmp_path / "events/image/digits.plx").exists()
    repair(tmp_path, encode=encode)
    assert steps(tmp_path) == [1]


def test_an_event_that_does_not_fit_on_the_disk_leaves_nothing_and_is_refused(tmp_path):
    spool = Spool(RunDirectory(tmp_path), "1-2")
    spool.put(event(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            spool.put(event(2, buffers=(bytes(600), bytes(600))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [ticket.take() for ticket in spool.pending()] == [event(1)]
    spool.put(event(3))
    assert [ticket.take().step for ticket in spool.pending()] == [1, 3]


def test_a_ticket_whose_file_is_something_else_says_so(tmp_path):
    ticket = Spool(RunDirectory(tmp_path), "1-2").put(event(1))
    ticket.path.write_bytes(b"")
    with pytest.raises(CacheError, match=r"\.event: not an event: "):
        ticket.take()
