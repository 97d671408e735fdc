"""Bringing points over: each once, whatever happens in between."""

import itertools
import json
import os
from datetime import datetime, timezone

import pytest

from axonlog.events import read_events
from axonlog.store import RunRecord, RunStore, repair

FRESH = RunRecord(uuid="1" * 32, owner="acme", project="digits")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def points(path, name):
    return [(e.step, e.value) for e in read_events(path / "events" / "metric" / f"{name}.plx")]


def everything_of(path):
    return sorted(str(item.relative_to(path)) for item in path.rglob("*"))


def test_rows_are_what_was_logged_in_its_order(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    expected = []
    for step in range(300):
        store.journal.append({"loss": step / 3}, step, None)
        expected.append((step, step / 3))
        if step % 7 == 0:
            store.journal.append({"loss": 0.5, "lr": 0.1}, None, None)
            expected.append((None, 0.5))
        if step % 100 == 0:
            store.journal.append({"loss": 0.25}, 2**70, MOMENT)
            expected.append((2**70, 0.25))
            assert store.refresh()
    store.close()
    assert points(tmp_path, "loss") == expected
    text = (tmp_path / "events/metric/loss.plx").read_text()
    assert text.startswith("step|timestamp|metric\n0|20")
    assert f"\n{2**70}|2026-01-02 03:04:05.000000+00:00|0.25" in text


def test_an_ended_run_holds_no_journal(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 0.5}, 1, None)
    assert store.close()
    assert everything_of(tmp_path) == [
        "assets",
        "events",
        "events/metric",
        "events/metric/loss.plx",
        "lineages.plx.json",
        "outputs",
        "run.plx.json",
    ]


def test_many_segments_are_brought_over_and_deleted_as_it_goes(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    for step in range(60_000):
        store.journal.append({"loss": 0.5, "acc": 0.25}, step, None)
    assert len(list(store.directory.journal.glob("*.journal"))) > 3
    store.refresh()
    assert len(list(store.directory.journal.glob("*.journal"))) <= 2
    store.close()
    assert points(tmp_path, "acc") == [(step, 0.25) for step in range(60_000)]


# What a drain does to the disk, as far as Python can be stopped there.
DISK_CALLS = [
    ("os", "write"),
    ("os", "open"),
    ("os", "truncate"),
    ("pathlib.Path", "replace"),
    ("pathlib.Path", "unlink"),
    ("pathlib.Path", "write_text"),
    ("pathlib.Path", "rmdir"),
]


def die_at(monkeypatch, number):
    """Let the process die just before its ``number``-th call to the disk."""
    calls = itertools.count(1)
    for module, name in DISK_CALLS:
        target = os if module == "os" else __import__("pathlib").Path
        original = getattr(target, name)

        def counting(*args, _original=original, **kwargs):
            if next(calls) == number:
                os._exit(9)
            return _original(*args, **kwargs)

        monkeypatch.setattr(target, name, counting)


def in_a_child(act, *arguments):
    """The exit code of a forked process that does it."""
    child = os.fork()
    if child == 0:
        act(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def log_and_end(path, monkeypatch, number):
    store = RunStore.open(path, FRESH)
    store.journal.append({"old": 1.0, "loss": 0.0}, 0, None)
    store.refresh()
    for step in range(1, 4):
        store.journal.append({"loss": float(step), "new": float(step)}, step, None)
    die_at(monkeypatch, number)
    store.refresh()
    store.journal.append({"loss": 4.0, "newest/one": 4.0}, 4, None)
    store.close()


def test_a_death_between_any_two_writes_costs_no_row_and_doubles_none(tmp_path, monkeypatch):
    for number in itertools.count(1):
        path = tmp_path / str(number)
        status = in_a_child(log_and_end, path, monkeypatch, number)
        repair(path)
        losses = points(path, "loss")
        assert losses in ([(s, float(s)) for s in range(4)], [(s, float(s)) for s in range(5)])
        assert points(path, "new") == losses[1:4]
        assert not list((path / ".axonlog").rglob("*"))
        if len(losses) == 5:
            assert points(path, "newest__one") == [(4, 4.0)]
        if status == 0:
            break
        assert status == 9
    assert number > 20


def test_a_death_during_the_repair_is_repaired_by_the_next(tmp_path, monkeypatch):
    def die_logging(path):
        store = RunStore.open(path, FRESH)
        for step in range(5):
            store.journal.append({"loss": float(step), "acc": 0.5}, step, None)
        os._exit(9)

    def die_repairing(path, number):
        die_at(monkeypatch, number)
        repair(path)

    for number in itertools.count(1):
        path = tmp_path / str(number)
        assert in_a_child(die_logging, path) == 9
        status = in_a_child(die_repairing, path, number)
        repair(path)
        assert points(path, "loss") == [(step, float(step)) for step in range(5)]
        assert points(path, "acc") == [(step, 0.5) for step in range(5)]
        conditions = json.loads((path / "run.plx.json").read_text())["status_conditions"]
        assert [condition["reason"] for condition in conditions] == ["ProcessLost"]
        assert not list((path / ".axonlog").rglob("*"))
        if status == 0:
            break
    assert number > 10


def test_a_batch_that_finds_no_room_is_taken_back_and_comes_later(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"a": 1.0}, 1, None)
    store.refresh()
    full = tmp_path / "events" / "metric" / "z.plx"
    full.symlink_to("/dev/full")
    for step in (2, 3):
        store.journal.append({"a": float(step), "z": 0.5}, step, None)
        with pytest.raises(OSError, match="No space left"):
            store.refresh()
        assert points(tmp_path, "a") == [(1, 1.0)]
    full.unlink(missing_ok=True)
    store.close()
    assert points(tmp_path, "a") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert points(tmp_path, "z") == [(2, 0.5), (3, 0.5)]


def test_two_processes_in_one_run_keep_each_others_rows(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 1.0}, 1, None)
    store.refresh()
    child = os.fork()
    if child == 0:
        other = RunStore.open(tmp_path, FRESH)
        other.journal.append({"loss": 2.0, "of/worker": 3.0}, 2, None)
        other.document.merge("inputs", {"worker": 1})
        os._exit(0 if other.close() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.journal.append({"loss": 3.0}, 3, None)
    store.document.merge("inputs", {"main": 1})
    assert store.close()
    assert points(tmp_path, "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert points(tmp_path, "of__worker") == [(2, 3.0)]
    record = json.loads((tmp_path / "run.plx.json").read_text())
    assert record["inputs"] == {"worker": 1, "main": 1}
    assert record["outputs"] == {"loss": 3.0, "of__worker": 3.0}
    lineage = json.loads((tmp_path / "lineages.plx.json").read_text())
    assert {e["name"]: e["summary"]["metric"]["count"] for e in lineage} == {
        "loss": 3.0,
        "of__worker": 1.0,
    }
    assert not (tmp_path / ".axonlog").exists()


def test_what_a_dead_worker_left_is_brought_over_by_the_others(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    child = os.fork()
    if child == 0:
        RunStore.open(tmp_path, FRESH).journal.append({"loss": 2.0}, 2, None)
        os._exit(9)
    os.waitpid(child, 0)
    store.refresh()
    assert points(tmp_path, "loss") == [(2, 2.0)]
    store.close()
    assert not (tmp_path / ".axonlog").exists()


def test_rows_from_a_server_are_adopted_between_two_batches(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 2.0}, 2, None)
    store.refresh()
    path = tmp_path / "events" / "metric" / "loss.plx"
    store.merge_remote(path, b"step|timestamp|metric\n1|2026-01-01 00:00:00.000000+00:00|1.0")
    store.journal.append({"loss": 3.0}, 3, None)
    store.close()
    assert points(tmp_path, "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    lineage = json.loads((tmp_path / "lineages.plx.json").read_text())
    assert lineage[0]["summary"]["metric"]["count"] == 3.0
