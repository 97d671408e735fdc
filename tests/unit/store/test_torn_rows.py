"""What a crash, or somebody's editor, left in an event file spoils no run."""

import json
import os
from datetime import datetime, timezone

import pytest

from axonlog.cli import main
from axonlog.events import read_events
from axonlog.store import EventWriter, RunRecord, RunStore, repair, repair_siblings

FRESH = RunRecord(uuid="1" * 32, owner="acme", project="digits")
TORN = "\n2|2026-01-02 03:04:05.000000+00:00|1e"


def points(path):
    file = path / "events" / "metric" / "loss.plx"
    return [(event.step, event.value) for event in read_events(file)]


def log(path, *steps):
    store = RunStore.open(path, FRESH)
    for step in steps:
        store.journal.append({"loss": step / 2}, step, None)
    store.close()


def tear(path, torn=TORN):
    with (path / "events" / "metric" / "loss.plx").open("ab") as file:
        file.write(torn if isinstance(torn, bytes) else torn.encode())


def die_logging(path, step):
    child = os.fork()
    if child == 0:
        RunStore.open(path, FRESH).journal.append({"loss": step / 2}, step, None)
        os._exit(9)
    os.waitpid(child, 0)


@pytest.mark.parametrize("torn", [TORN, TORN + "\0" * 9000, b"\n2|20\xff", "\n", "\nx|y|z"])
def test_rows_after_a_torn_one_stand_alone_and_the_torn_one_is_reported(tmp_path, caplog, torn):
    log(tmp_path, 1)
    tear(tmp_path, torn)
    log(tmp_path, 3)
    assert points(tmp_path) == [(1, 0.5), (3, 1.5)]
    text = (tmp_path / "events/metric/loss.plx").read_text()
    # No reader of the server's finds anything but whole rows.
    assert [row.count("|") for row in text.split("\n") if row] == [2, 2, 2]
    told = [r.getMessage() for r in caplog.records if "torn by a crash" in r.getMessage()]
    assert len(told) == (0 if torn == "\n" else 1)
    (entry,) = json.loads((tmp_path / "lineages.plx.json").read_text())
    assert entry["summary"]["metric"]["count"] == 2


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_json_lines_go_on_after_a_torn_one_and_are_summarized(tmp_path, caplog):
    for step in (1, 2):
        store = RunStore.open(tmp_path, FRESH)
        store.append_event("text", "notes", step, MOMENT, f"line | {step}\n")
        store.close()
        file = tmp_path / "events/text/notes.plx"
        if step == 1:
            with file.open("a") as stream:
                stream.write('\n{"timestamp": "2026-01-02 03:04:05+00:00", "st')
    rows = [(event.step, event.text) for event in read_events(file, kind="text")]
    assert rows == [(1, "line | 1\n"), (2, "line | 2\n")]
    assert [json.loads(line)["step"] for line in file.read_text().split("\n")[1:]] == [1, 2]
    assert "its last row was torn by a crash" in caplog.text
    (entry,) = json.loads((tmp_path / "lineages.plx.json").read_text())
    assert entry["summary"]["step"] == {"count": 2, "min": 1, "max": 2}
    assert json.loads((tmp_path / "run.plx.json").read_text())["meta_info"]["has_events"] is True


def test_a_torn_row_in_the_middle_is_no_reason_not_to_go_on(tmp_path, caplog):
    log(tmp_path, 1)
    tear(tmp_path)
    tear(tmp_path, "\n3|2026-01-02 03:04:05.000000+00:00|1.5")
    log(tmp_path, 4)
    assert points(tmp_path) == [(1, 0.5), (3, 1.5), (4, 2.0)]
    assert "1 row cannot be read and is left out, the first in line 3" in caplog.text


def test_one_poisoned_run_leaves_the_whole_root_usable(tmp_path, capsys, monkeypatch):
    root = tmp_path / "axonlog_data" / "runs"
    poisoned, healthy = root / ("1" * 32), root / ("2" * 32)
    log(poisoned, 1)
    tear(poisoned)
    die_logging(poisoned, 3)
    tear(poisoned, "\n{}|" * 3)
    other = FRESH.model_copy(update={"uuid": "2" * 32})
    RunStore.open(healthy, other).close()
    (report,) = repair_siblings(healthy)
    assert (report.path, report.points) == (poisoned, 1)
    monkeypatch.chdir(tmp_path)
    assert main(["ls", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["status"] for run in runs] == ["lost", "lost"]
    log(poisoned, 4)
    assert points(poisoned) == [(1, 0.5), (3, 1.5), (4, 2.0)]


def test_a_batch_taken_back_never_makes_a_file_longer(tmp_path):
    writer, path = EventWriter(), tmp_path / "loss.plx"
    writer.append(path, "metric", "\n1|t|0.5")
    before = path.read_bytes()
    assert writer.truncate(path, len(before) + 100) == b""
    assert path.read_bytes() == before
    assert writer.truncate(path, len(before) - 3) == b"0.5"


def test_notes_of_another_shape_are_named(tmp_path):
    die_logging(tmp_path, 1)
    note = tmp_path / ".axonlog" / "journal" / "drained.json"
    for text in ("[]", '{"positions": {"a": 1}, "undo": {}}'):
        note.write_text(text)
        with pytest.raises(Exception, match=r"drained\.json: not the state of a replay"):
            repair(tmp_path)
    note.unlink()
    (tmp_path / ".axonlog" / "names.json").write_text('["a"]')
    with pytest.raises(Exception, match=r"names\.json: not a list of names"):
        repair(tmp_path)


def test_what_another_process_appended_is_read_once(tmp_path, monkeypatch):
    """Two processes in one run: each reads the other's new rows, and no row a second time."""
    one, two = RunStore.open(tmp_path, FRESH), RunStore.open(tmp_path, FRESH)
    parsed = []

    def counting(path, **arguments):
        for event in read_events(path, **arguments):
            parsed.append(event)
            yield event

    monkeypatch.setattr("axonlog.store._event_files.read_events", counting)
    for step in range(20):
        store = (one, two)[step % 2]
        store.journal.append({"loss": step / 2}, step, None)
        store.refresh()
    one.close()
    two.close()
    assert len(parsed) <= 2 * 20
    (entry,) = json.loads((tmp_path / "lineages.plx.json").read_text())
    summary = entry["summary"]["metric"]
    assert (summary["count"], summary["last"], summary["mean"]) == (20, 9.5, 4.75)
