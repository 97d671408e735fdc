import json
import os
import shutil
from pathlib import Path

import pytest

from axonlog.events import read_events
from axonlog.store import (
    Repair,
    RunRecord,
    RunStore,
    is_alive,
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
    assert "ended without a word" in last["message"]
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


def test_a_torn_record_is_told(tmp_path):
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


def test_the_neighbours_are_repaired_and_trouble_with_one_stops_no_other(tmp_path):
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
