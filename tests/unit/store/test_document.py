import json
import os
from datetime import datetime, timezone

import pytest

from axonlog.errors import CacheError
from axonlog.store import (
    FileLock,
    Lineage,
    LineageEntry,
    RunDocument,
    RunRecord,
    read_lineage,
    read_record,
)


def new_document(path, **fields):
    return RunDocument(path, RunRecord(uuid="1" * 32, **fields))


def test_each_change_is_on_disk_at_once(tmp_path):
    path = tmp_path / "run.plx.json"
    document = new_document(path)
    document.merge("inputs", {"lr": 0.1})
    assert json.loads(path.read_text())["inputs"] == {"lr": 0.1}
    document.merge("inputs", {"epochs": 3})
    assert json.loads(path.read_text())["inputs"] == {"lr": 0.1, "epochs": 3}
    document.merge("inputs", {"only": 1}, reset=True)
    assert json.loads(path.read_text())["inputs"] == {"only": 1}


def test_a_deferred_change_waits_for_the_next_save(tmp_path):
    path = tmp_path / "run.plx.json"
    document = new_document(path)
    document.save()
    document.merge("meta_info", {"progress": 0.5}, deferred=True)
    assert "meta_info" not in json.loads(path.read_text())
    document.save()
    assert json.loads(path.read_text())["meta_info"] == {"progress": 0.5}


def test_a_moment_without_a_zone_is_one_of_utc(tmp_path):
    path = tmp_path / "run.plx.json"
    path.write_text(json.dumps({"uuid": "1" * 32, "created_at": "2026-11-22T21:55:29.295952"}))
    assert read_record(path).created_at.tzinfo is timezone.utc


def test_tags_are_not_repeated(tmp_path):
    document = new_document(tmp_path / "run.plx.json", tags=["zero"])
    document.add_tags(["one", "zero", "one"])
    assert document.snapshot().tags == ["zero", "one"]
    document.add_tags(["new"], reset=True)
    assert document.snapshot().tags == ["new"]


def test_the_times_follow_from_the_statuses(tmp_path):
    created = datetime(2026, 1, 1, tzinfo=timezone.utc)
    document = new_document(tmp_path / "run.plx.json", created_at=created)
    document.add_condition("running", reason="r", message=None)
    document.add_condition("succeeded", reason="r", message=None)
    record = document.snapshot()
    assert record.wait_time == (record.started_at - created).total_seconds()
    assert record.duration == (record.finished_at - record.started_at).total_seconds()
    assert (record.status, document.is_final) == ("succeeded", True)
    document.add_condition("running", reason="r", message=None)
    record = document.snapshot()
    assert (record.finished_at, record.duration, document.is_final) == (None, None, False)


def test_unknown_keys_of_a_document_survive(tmp_path):
    path = tmp_path / "run.plx.json"
    path.write_text(json.dumps({"uuid": "1" * 32, "settings": {"namespace": "plx"}}))
    RunDocument(path, read_record(path)).set_field("name", "n")
    assert json.loads(path.read_text())["settings"] == {"namespace": "plx"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "no uuid"}'])
def test_what_is_no_run_document_is_named(tmp_path, text):
    path = tmp_path / "run.plx.json"
    path.write_text(text)
    with pytest.raises(CacheError, match=r"run\.plx\.json: not a run document"):
        read_record(path)


@pytest.fixture
def written(tmp_path):
    """The documents of a run that is being written."""
    (tmp_path / ".axonlog" / "journal").mkdir(parents=True)
    new_document(tmp_path / "run.plx.json").save()
    return tmp_path


def in_children(count, act):
    """Do it in so many forked processes at once."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            act(number)
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children] == [0] * count


def test_processes_that_change_it_at_once_keep_each_others_changes(written):
    path = written / "run.plx.json"

    def change(number):
        document = RunDocument.load(path)
        for step in range(30):
            document.merge("inputs", {f"{number}-{step}": step})
            document.add_tags([f"{number}-{step}"])

    in_children(4, change)
    record = read_record(path)
    expected = {f"{number}-{step}" for number in range(4) for step in range(30)}
    assert (set(record.inputs), set(record.tags)) == (expected, expected)


def test_processes_that_add_to_the_lineage_at_once_keep_each_others_entries(written):
    path = written / "lineages.plx.json"

    def add(number):
        lineage = Lineage(path)
        for step in range(30):
            lineage.add([LineageEntry(name=f"{number}-{step}", kind="file")])

    in_children(4, add)
    expected = {f"{number}-{step}" for number in range(4) for step in range(30)}
    assert {entry.name for entry in read_lineage(path)} == expected


def test_a_lock_that_somebody_keeps_costs_no_change(written, monkeypatch, caplog):
    monkeypatch.setattr("axonlog.store._file_lock._DOCUMENT_TIMEOUT_S", 0.01)
    path, journal = written / "run.plx.json", written / ".axonlog" / "journal"
    document, lineage = RunDocument.load(path), Lineage(written / "lineages.plx.json")
    stale = path.read_text()
    entry = LineageEntry(name="mine", kind="file")
    with (
        FileLock(journal / "run.plx.json.lock").held(),
        FileLock(journal / "lineages.plx.json.lock").held(),
    ):
        document.merge("inputs", {"mine": 1})
        document.add_condition("running", reason="r", message=None)
        lineage.add([entry])
        assert read_record(path).inputs == {"mine": 1}  # on disk when the call returns
        path.write_text(stale)  # and then written over by who holds the lock
        (written / "lineages.plx.json").write_text("[]")
        assert not document.is_saved
    said = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert [text.partition(";")[0] for text in said] == ["another process holds its lock"] * 2
    document.save()
    lineage.add([])
    record = read_record(path)
    assert (record.inputs, record.status) == ({"mine": 1}, "running")
    assert [condition.type for condition in record.status_conditions] == ["running"]
    assert read_lineage(written / "lineages.plx.json") == [entry]
    assert document.is_saved


def test_a_lock_that_somebody_keeps_is_waited_for_once(written, monkeypatch):
    document, waits = RunDocument.load(written / "run.plx.json"), []
    acquire = FileLock.acquire

    def noticing(lock, *, timeout_s):
        waits.append(timeout_s)
        return acquire(lock, timeout_s=min(timeout_s, 0.01))

    with FileLock(written / ".axonlog" / "journal" / "run.plx.json.lock").held():
        monkeypatch.setattr(FileLock, "acquire", noticing)
        for step in range(5):
            document.merge("outputs", {"step": step})
    assert waits == [1.0, 0.05, 0.05, 0.05, 0.05]


def test_a_change_that_finds_no_room_comes_with_the_next(written):
    lineage = Lineage(written / "lineages.plx.json")
    document = RunDocument.load(written / "run.plx.json")
    written.rename(written.with_name("away"))
    written.write_text("a file where the directory was")
    entry = LineageEntry(name="mine", kind="file")
    for change in (
        lambda: lineage.add([entry]),
        lambda: document.merge("inputs", {"mine": 1}),
    ):
        with pytest.raises(OSError, match=r"exists|Not a directory"):
            change()
    written.unlink()
    written.with_name("away").rename(written)
    lineage.add([])
    document.save()
    assert read_lineage(written / "lineages.plx.json") == [entry]
    assert read_record(written / "run.plx.json").inputs == {"mine": 1}


def test_a_lineage_that_somebody_spoiled_is_written_anew(written):
    lineage = Lineage(written / "lineages.plx.json")
    entries = [LineageEntry(name=name, kind="file") for name in "ab"]
    lineage.add(entries[:1])
    (written / "lineages.plx.json").write_text("{")
    lineage.add(entries[1:])
    assert read_lineage(written / "lineages.plx.json") == entries
