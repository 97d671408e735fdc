import json
from datetime import datetime, timezone

import pytest

from axonlog.errors import CacheError
from axonlog.store import RunDocument, RunRecord, read_record


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
