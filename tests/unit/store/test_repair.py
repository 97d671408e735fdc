import json
import os
import resource
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from axonlog.events import read_events
from axonlog.store import (
    Repair,
    RunRecord,
    RunStore,
    count_unreplayed,
    ending_in_journal,
    is_alive,
    is_copy,
    needs_repair,
    repair,
    repair_siblings,
)

FRESH = RunRecord(uuid="1" * 32, owner="acme", project="digits")


def die(path, *, status="running", ending=None, fresh=FRESH):
    """A process that logs two points and dies."""
    child = os.fork()
    if child == 0:
        store = RunStore.open(path, fresh)
        store.document.add_condition(status, reason="r", message=None)
        store.journal.append({"loss": 1.0}, 1, None)
        store.journal.append({"loss": 0.5}, 2, None)
        os._exit(9)
    os.waitpid(child, 0)


def record_of(path):
    return json.loads((path / "run.plx.json").read_text())


def test_a_run_whose_process_died_is_completed_and_failed(tmp_path):
    path = tmp_path / "run"
    die(path)
    assert (needs_repair(path), is_alive(path)) == (True, False)
    assert not (path / "events/metric/loss.plx").exists()
    assert repair(path) == Repair(path, points=2, dropped_bytes=0, is_lost=True)
    record = record_of(path)
    assert [c["type"] for c in record["status_conditions"]] == ["running", "failed"]
    last = record["status_conditions"][-1]
    assert last["reason"] == "ProcessLost"
    assert "ended without a final status" in last["message"]
    assert record["outputs"] == {"loss": 0.5}
    assert record["finished_at"] >= record["started_at"]
    values = [(e.step, e.value) for e in read_events(path / "events/metric/loss.plx")]
    assert values == [(1, 1.0), (2, 0.5)]
    assert not (path / ".axonlog").exists()
    assert repair(path) is None


def test_the_directory_alone_is_enough(tmp_path):
    die(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "elsewhere" / "copy")
    shutil.rmtree(tmp_path / "run")
    assert repair(tmp_path / "elsewhere" / "copy").points == 2


def test_a_run_that_had_an_ending_keeps_it(tmp_path):
    die(tmp_path, status="succeeded")
    assert repair(tmp_path) == Repair(tmp_path, points=2, dropped_bytes=0, is_lost=False)
    assert record_of(tmp_path)["status"] == "succeeded"


def say(path, *statuses, is_settled=False):
    """A process that gives these statuses while the document cannot be written, and dies."""
    child = os.fork()
    if child == 0:
        store = RunStore.open(path, FRESH)
        store.record_status("running", reason="r", message=None)
        store.document.merge("inputs", {"text": "x" * 5000})
        if is_settled:
            store.record_status("succeeded", reason="r", message="said in the document")
        store.journal.append({"loss": 1.0}, 1, None)
        # No file may grow, or be made, beyond 4 KiB: the document has more.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1))
        for status in statuses:
            store.record_status(status, reason="Word", message=f"said {status}")
        os._exit(9)
    os.waitpid(child, 0)


def test_an_ending_that_the_document_had_no_room_for_is_kept(tmp_path):
    say(tmp_path, "succeeded")
    assert record_of(tmp_path)["status"] == "running"
    assert ending_in_journal(tmp_path).type == "succeeded"
    before = datetime.now(timezone.utc)
    assert repair(tmp_path) == Repair(tmp_path, points=1, dropped_bytes=0, is_lost=False)
    record = record_of(tmp_path)
    assert [c["type"] for c in record["status_conditions"]] == ["running", "succeeded"]
    last = record["status_conditions"][-1]
    assert (last["reason"], last["message"]) == ("Word", "said succeeded")
    assert datetime.fromisoformat(last["last_transition_time"].replace("Z", "+00:00")) < before
    assert record["finished_at"] == last["last_transition_time"]
    assert (ending_in_journal(tmp_path), repair(tmp_path)) == (None, None)
    assert not (tmp_path / ".axonlog").exists()


def test_the_newest_status_counts_of_those_that_had_no_room(tmp_path):
    say(tmp_path, "succeeded", "running", "failed")
    assert not repair(tmp_path).is_lost
    statuses = [c["type"] for c in record_of(tmp_path)["status_conditions"]]
    assert statuses == ["running", "failed"]


def test_a_settled_run_that_was_set_running_again_and_died_is_lost(tmp_path):
    say(tmp_path, "running", is_settled=True)
    assert record_of(tmp_path)["status"] == "succeeded"
    assert repair(tmp_path).is_lost
    conditions = record_of(tmp_path)["status_conditions"]
    assert [c["type"] for c in conditions] == ["running", "succeeded", "running", "failed"]
    assert conditions[-1]["reason"] == "ProcessLost"


def test_an_ending_outlives_points_that_find_no_room(tmp_path):
    say(tmp_path, "succeeded")
    full = tmp_path / "events" / "metric" / "loss.plx"
    full.parent.mkdir()
    full.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        repair(tmp_path)
    assert record_of(tmp_path)["status"] == "succeeded"
    assert count_unreplayed(tmp_path, with_living=False).points == 1
    full.unlink()
    assert repair(tmp_path) == Repair(tmp_path, points=1, dropped_bytes=0, is_lost=False)
    assert count_unreplayed(tmp_path, with_living=False).points == 0


def test_points_that_wait_are_counted_once_each(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    for step in range(10):
        store.journal.append({"loss": 1.0, "acc": 0.5}, step, None)
    store.refresh()
    for step in range(7):
        store.journal.append({"loss": 1.0, "acc": 0.5}, step, None)
    assert count_unreplayed(tmp_path, with_living=True).points == 14
    assert count_unreplayed(tmp_path, with_living=False).points == 0
    store.close()
    assert count_unreplayed(tmp_path, with_living=True).points == 0


def test_a_part_of_a_journal_that_cannot_be_understood_is_named(tmp_path):
    die(tmp_path)
    (segment,) = (tmp_path / ".axonlog" / "journal").glob("*.journal")
    segment.write_bytes(b"something else that is long enough")
    waiting = count_unreplayed(tmp_path, with_living=False)
    assert (waiting.points, waiting.unreadable) == (0, (segment,))


def test_a_copy_of_a_living_run_gets_its_points_and_no_ending(tmp_path):
    path, copy = tmp_path / "run", tmp_path / "copy"
    store = RunStore.open(path, FRESH)
    store.record_status("running", reason="r", message=None)
    store.journal.append({"loss": 1.0}, 1, None)
    shutil.copytree(path, copy)
    assert (is_copy(path), is_copy(copy)) == (False, True)
    for points in (Repair(copy, points=1, dropped_bytes=0, is_lost=False), None):
        assert repair(copy) == points
        assert (record_of(copy)["status"], is_copy(copy)) == ("running", True)
        assert [(e.step, e.value) for e in read_events(copy / "events/metric/loss.plx")] == [
            (1, 1.0)
        ]
    store.journal.append({"loss": 0.5}, 2, None)
    store.record_status("succeeded", reason="r", message=None)
    store.close()
    assert repair(copy) is None
    assert record_of(copy)["status"] == "running"
    assert is_copy(copy)  # what became of it is known in the original


def test_a_copy_that_is_continued_is_a_run_of_its_own(tmp_path):
    store = RunStore.open(tmp_path / "run", FRESH)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    die(tmp_path / "copy")
    assert not is_copy(tmp_path / "copy")
    assert repair(tmp_path / "copy").is_lost
    assert not (tmp_path / "copy" / ".axonlog").exists()
    store.close()


def test_a_guest_that_outlives_the_runs_process_keeps_its_ending(tmp_path):
    """Whoever repairs the run when the guest is gone still knows how it ended."""
    say(tmp_path, "failed")
    guest = RunStore.open(tmp_path, FRESH, is_guest=True)
    guest.journal.append({"loss": 0.5}, 2, None)
    guest.close()
    statuses = [c["type"] for c in record_of(tmp_path)["status_conditions"]]
    assert statuses == ["running", "failed"]


def test_a_run_whose_process_dies_before_its_guest_is_lost(tmp_path):
    guest = RunStore.open(tmp_path, FRESH, is_guest=True)
    die(tmp_path)
    guest.refresh()
    assert not repair(tmp_path).is_lost  # the guest still writes
    guest.close()
    assert repair(tmp_path).is_lost
    assert not (tmp_path / ".axonlog").exists()


def test_the_status_of_a_managed_run_is_the_schedulers(tmp_path):
    die(tmp_path, fresh=FRESH.model_copy(update={"is_managed": True}))
    assert not repair(tmp_path).is_lost
    assert record_of(tmp_path)["status"] == "running"


def test_a_living_run_is_left_alone(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 1.0}, 1, None)
    assert (needs_repair(tmp_path), is_alive(tmp_path)) == (False, True)
    assert repair(tmp_path) is None
    store.close()
    assert not is_alive(tmp_path)


def test_a_torn_record_is_reported(tmp_path):
    die(tmp_path)
    (segment,) = (tmp_path / ".axonlog" / "journal").glob("*.journal")
    data = bytearray(segment.read_bytes())
    end = len(bytes(data).rstrip(b"\0"))
    data[end - 6] ^= 0xFF
    segment.write_bytes(data)
    report = repair(tmp_path)
    assert report.points == 1
    assert report.dropped_bytes > 20


def test_what_is_no_run_is_not_touched(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    assert [repair(tmp_path / name) for name in ("folder", "file", "missing")] == [None] * 3
    assert not list((tmp_path / "folder").iterdir())


def test_opening_a_run_repairs_it_first(tmp_path):
    die(tmp_path)
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 0.25}, 3, None)
    store.close()
    values = [(e.step, e.value) for e in read_events(tmp_path / "events/metric/loss.plx")]
    assert values == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert [c["reason"] for c in record_of(tmp_path)["status_conditions"]] == ["r", "ProcessLost"]


def test_the_runs_beside_are_repaired_and_an_error_in_one_stops_no_other(tmp_path):
    for name in ("a", "b", "c"):
        die(tmp_path / name)
    (tmp_path / "b" / "run.plx.json").write_text("{")
    RunStore.open(tmp_path / "mine", FRESH)
    done = repair_siblings(tmp_path / "mine")
    assert sorted(report.path.name for report in done) == ["a", "c"]
    assert repair_siblings(tmp_path / "mine") == []


@pytest.mark.parametrize("repairers", [4])
def test_several_repair_at_once_without_harm(tmp_path, repairers):
    die(tmp_path)
    children = []
    for _ in range(repairers):
        child = os.fork()
        if child == 0:
            repair(tmp_path)
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children] == [0] * repairers
    values = [(e.step, e.value) for e in read_events(tmp_path / "events/metric/loss.plx")]
    assert values == [(1, 1.0), (2, 0.5)]
    assert [c["type"] for c in record_of(tmp_path)["status_conditions"]] == ["running", "failed"]
    assert not Path(tmp_path, ".axonlog").exists()
