"""Two artifacts are two entries of the lineage, whatever they are called."""

import logging
from pathlib import Path

import pytest

import axonlog
from axonlog.errors import EventError
from support.runs import lineage_of


@pytest.fixture
def run():
    run = axonlog.Run(project="acme/digits", is_offline=True, track_env=False, track_code=False)
    yield run
    run.end()


def directory(run):
    return Path(run.context.artifacts_path.value)


def paths_of(run):
    return {name: entry["path"] for name, entry in lineage_of(directory(run)).items()}


def file(folder, name, text="x"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("first", ["metric", "file"])
def test_a_metric_keeps_its_name_beside_a_file_of_that_name(run, tmp_path, first, caplog):
    picture = file(tmp_path / "in", "loss.png")
    if first == "file":
        run.log_artifact(picture, kind="image")
    run.log_metrics(loss=0.5, step=1)
    run._recorder.store.refresh()
    if first == "metric":
        run.log_artifact(picture, kind="image")
    run.end()
    expected = {"loss": "events/metric/loss.plx", "loss-png": "outputs/loss.png"}
    assert paths_of(run) == expected
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "outputs/loss.png is listed as 'loss-png'" in record.getMessage()


def test_files_that_differ_behind_their_first_dot_are_entries_of_their_own(run, tmp_path):
    for name in ("w.fold1.pt", "w.fold2.pt", "w.fold1.pt"):
        run.log_model(file(tmp_path / "in", name, name))
    assert paths_of(run) == {"w": "outputs/w.fold1.pt", "w-fold2-pt": "outputs/w.fold2.pt"}


def test_files_of_one_name_in_two_folders_are_entries_of_their_own(run, tmp_path):
    one, two, three = (file(tmp_path / folder, "data.csv", folder) for folder in ("a", "b", "c"))
    for path in (one, two, three, two):
        run.log_file_ref(path)
    entries = paths_of(run)
    assert list(entries.values()) == [str(one), str(two), str(three)]
    assert list(entries)[:2] == ["data", "data-csv"]


def test_a_name_that_was_given_is_replaced_by_the_next_of_its_kind(run, tmp_path):
    for name in ("epoch1.pt", "epoch2.pt"):
        run.log_model(file(tmp_path / "in", name), name="best")
    run.log_artifact(file(tmp_path / "in", "best.txt"), name="best")
    entries = lineage_of(directory(run))
    assert paths_of(run) == {"best": "outputs/epoch2.pt", "best-txt": "outputs/best.txt"}
    assert [entry["kind"] for entry in entries.values()] == ["model", "file"]


def test_series_of_two_kinds_with_one_name_are_two_entries(run, tmp_path):
    picture = file(tmp_path / "in", "sample.png")
    run.log_artifact(picture, kind="image", step=1)
    run.log_model(picture, step=1)
    run.end()
    assert paths_of(run) == {
        "sample": "events/image/sample.plx",
        "sample-model": "events/model/sample.plx",
    }


def test_a_name_too_long_for_the_server_is_shortened(run, tmp_path, caplog):
    for letter in "ab":
        run.log_file_ref("s3://bucket/key", name="x" * 190 + letter)
    names = list(lineage_of(directory(run)))
    assert [len(name) for name in names] == [128, 128]
    assert names[0] != names[1]
    assert "is too long" in caplog.text


def test_the_same_step_twice_keeps_both_files(run, tmp_path):
    for text in ("first", "second", "third"):
        run.log_model(file(tmp_path / "in", "net.tar.gz", text), step=1)
    assets = directory(run) / "assets" / "model"
    rows = (directory(run) / "events/model/net.plx").read_text().split("\n")[1:]
    names = ["net_1.tar.gz", "net_1-2.tar.gz", "net_1-3.tar.gz"]
    assert [(assets / name).read_text() for name in names] == ["first", "second", "third"]
    assert [row.rpartition('"path":"')[2] for row in rows] == [
        f'assets/model/{name}"}}' for name in names
    ]


def test_the_same_step_twice_keeps_both_folders(run, tmp_path):
    for text in ("first", "second"):
        file(tmp_path / "folder", "a.txt", text)
        run.log_artifact(tmp_path / "folder", kind="dir", step=1)
    assets = directory(run) / "assets" / "dir"
    assert {path.name: (path / "a.txt").read_text() for path in assets.iterdir()} == {
        "folder_1": "first",
        "folder_1-2": "second",
    }


@pytest.mark.parametrize("kind", ["metric", "histogram", "text", "html", "span"])
def test_a_kind_whose_rows_are_values_takes_no_file_at_a_step(run, tmp_path, kind):
    path = file(tmp_path / "in", "loss.json")
    run.log_metrics(loss=0.5, step=0)
    with pytest.raises(EventError, match=f"events of kind '{kind}' hold a value and no file"):
        run.log_artifact(path, name="loss", kind=kind, step=0)
    run.end()
    assert not (directory(run) / "assets" / kind).exists()
    assert "{" not in (directory(run) / "events/metric/loss.plx").read_text()
