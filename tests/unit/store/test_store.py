import json
import threading
from datetime import datetime, timezone

import pytest

from axonlog.errors import CacheError, ContextError
from axonlog.store import BackgroundFlusher, RunRecord, RunStore

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
FRESH = RunRecord(uuid="1" * 32, owner="acme", project="digits")


def lineage_of(path):
    return {entry["name"]: entry for entry in json.loads((path / "lineages.plx.json").read_text())}


def test_a_new_run_is_readable_before_anything_is_logged(tmp_path):
    RunStore.open(tmp_path / "run", FRESH)
    assert json.loads((tmp_path / "run" / "run.plx.json").read_text())["uuid"] == "1" * 32


def test_last_values_flags_and_summaries_follow_with_a_refresh(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    store.journal.append({"loss": 0.5}, 1, MOMENT)
    store.journal.append({"loss": float("nan")}, 2, MOMENT)
    store.journal.append({"train/acc": 0.75}, 2, MOMENT)
    store.refresh()
    record = json.loads((tmp_path / "run.plx.json").read_text())
    assert record["outputs"] == {"loss": "nan", "train__acc": 0.75}
    assert record["meta_info"] == {"has_events": True, "has_metrics": True}
    assert lineage_of(tmp_path)["loss"]["summary"]["step"] == {"count": 2, "min": 1, "max": 2}
    assert lineage_of(tmp_path)["train__acc"]["path"] == "events/metric/train__acc.plx"


def test_a_summary_is_published_again_only_when_its_file_has_grown_or_at_the_end(tmp_path):
    store = RunStore.open(tmp_path, FRESH)

    def count():
        return lineage_of(tmp_path)["loss"]["summary"]["metric"]["count"]

    counts = []
    for rows in (10, 4, 1):
        for step in range(rows):
            store.journal.append({"loss": 0.5}, step, MOMENT)
        store.refresh()
        counts.append(count())
    store.close()
    assert [*counts, count()] == [10, 10, 15, 15]


def test_an_existing_run_is_continued(tmp_path):
    first = RunStore.open(tmp_path, FRESH)
    first.document.merge("inputs", {"lr": 0.1})
    first.journal.append({"loss": 0.5}, 1, MOMENT)
    first.close()
    second = RunStore.open(tmp_path, FRESH)
    second.journal.append({"loss": 0.25}, 2, MOMENT)
    second.close()
    assert second.document.snapshot().inputs == {"lr": 0.1}
    assert lineage_of(tmp_path)["loss"]["summary"]["metric"]["count"] == 2.0


def test_another_run_in_the_directory_is_not_touched(tmp_path):
    RunStore.open(tmp_path, FRESH)
    before = (tmp_path / "run.plx.json").read_bytes()
    with pytest.raises(ContextError, match=f"holds run {'1' * 32}, not {'2' * 32}"):
        RunStore.open(tmp_path, RunRecord(uuid="2" * 32))
    assert (tmp_path / "run.plx.json").read_bytes() == before


def test_a_lineage_that_cannot_be_read_is_named(tmp_path):
    RunStore.open(tmp_path, FRESH)
    (tmp_path / "lineages.plx.json").write_text("{")
    with pytest.raises(CacheError, match=r"lineages\.plx\.json: not a list of artifacts"):
        RunStore.open(tmp_path, FRESH)


def test_the_data_root_is_kept_out_of_git(tmp_path):
    RunStore.open(tmp_path / "axonlog_data" / "runs" / ("1" * 32), FRESH)
    assert (tmp_path / "axonlog_data" / ".gitignore").read_text().endswith("\n*\n")


def test_the_flusher_refreshes_a_running_run(tmp_path):
    store = RunStore.open(tmp_path, FRESH)
    told = []
    refresh = store.refresh
    done = threading.Event()

    def noticing(*, final=False):
        refresh(final=final)
        told.append(store.document.snapshot().outputs)
        done.set()

    store.refresh = noticing
    store.journal.append({"loss": 0.5}, 1, MOMENT)
    flusher = BackgroundFlusher(store, interval_s=0.01)
    flusher.start()
    assert done.wait(10)
    flusher.stop()
    assert told[0] == {"loss": 0.5}


def test_the_flusher_reports_a_failure_once_and_goes_on(tmp_path, caplog):
    store = RunStore.open(tmp_path, FRESH)
    calls, enough = [], threading.Event()

    def failing(*, final=False):
        calls.append(final)
        if len(calls) == 3:
            enough.set()
        raise OSError("disk gone")

    store.refresh = failing
    flusher = BackgroundFlusher(store, interval_s=0.01)
    flusher.start()
    assert enough.wait(10)
    flusher.stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"cannot bring the files in {tmp_path} up to date, will keep trying; nothing of the "
        "journal is lost: disk gone"
    ]
