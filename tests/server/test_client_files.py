"""Files and events of a run: up, listed, and down again, with the real server."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from axonlog.client import RunClient
from axonlog.errors import EventError, ServerError
from support.clients import registered_run
from support.polyaxon_server import PolyaxonServer

LOSS = (
    "step|timestamp|metric\n"
    "0|2026-11-22T21:55:35.033412+00:00|1.0\n"
    "1|2026-11-22T21:55:36+00:00|nan\n"
    "2|2026-11-22T21:55:37+00:00|0.25\n"
)


@pytest.fixture
def run(polyaxon_server: PolyaxonServer) -> Iterator[RunClient]:
    run = registered_run(polyaxon_server.url)
    with run.client:
        yield run


def tar_of(files: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    packed.seek(0)
    return packed


def test_an_uploaded_file_lies_in_the_store_and_comes_back(
    run: RunClient, polyaxon_server: PolyaxonServer, tmp_path: Path
) -> None:
    content = random.Random(7).randbytes(3_000_000)
    (tmp_path / "model.bin").write_bytes(content)

    run.upload_file(tmp_path / "model.bin", to_dir="outputs/best")

    stored = polyaxon_server.store / str(run.run_uuid) / "outputs" / "best" / "model.bin"
    assert stored.read_bytes() == content
    back = run.download_file("outputs/best/model.bin", tmp_path / "back.bin")
    assert back.read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"model.bin", "back.bin"}


@pytest.mark.parametrize(
    "name", ["a b.txt", 'quote".txt', "100%.txt", "größe+#&.txt", "semi;colon.txt", "empty"]
)
def test_a_file_keeps_its_name(run: RunClient, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x" if name != "empty" else "")

    run.upload_file(tmp_path / name, to_dir="")

    assert run.get_tree().files == {name: (tmp_path / name).stat().st_size}


@pytest.mark.parametrize("name", ["back\\slash", "entity&amp;.txt", "line\nbreak"])
def test_a_name_that_the_server_would_change_is_refused(
    run: RunClient, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("x")

    with pytest.raises(EventError, match="does not keep this file name"):
        run.upload_file(tmp_path / name, to_dir="")

    assert run.get_tree_recursive() == {}


def test_a_file_is_replaced_unless_told_otherwise(run: RunClient, tmp_path: Path) -> None:
    for number, overwrite in enumerate((True, True, False)):
        (tmp_path / "f").write_text(f"version {number}")
        run.upload_file(tmp_path / "f", to_dir="d", overwrite=overwrite)

    assert run.download_file("d/f", tmp_path / "back").read_text() == "version 1"


def test_progress_is_told_up_to_the_last_byte(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100_000)
    told: list[tuple[int, int]] = []

    run.upload_file(tmp_path / "f", to_dir="", on_progress=lambda *sizes: told.append(sizes))

    assert told == sorted(told)
    assert told[-1] == (100_000, 100_000)


def test_a_tar_becomes_a_folder_and_comes_back_as_one(run: RunClient, tmp_path: Path) -> None:
    assert run.upload_tar(tar_of({"a.plx": b"1", "deep/b.plx": b"22"}), to_dir="e", overwrite=False)

    assert run.get_tree_recursive() == {"e/a.plx": 1, "e/deep/b.plx": 2}
    with tarfile.open(run.download_tar("e", tmp_path / "e.tar.gz")) as tar:
        files = {Path(m.name).name: m.size for m in tar.getmembers() if m.isfile()}
    assert files == {"a.plx": 1, "b.plx": 2}


def test_a_tar_for_a_folder_that_is_there_is_not_sent_unless_it_may_replace_it(
    run: RunClient, tmp_path: Path
) -> None:
    (tmp_path / "keep").write_text("old")
    run.upload_file(tmp_path / "keep", to_dir="e")
    (tmp_path / "new.tar.gz").write_bytes(tar_of({"new": b"new"}).read())

    sent = run.upload_tar(tmp_path / "new.tar.gz", to_dir="e", overwrite=False)
    before = run.get_tree_recursive()
    replaced = run.upload_tar(tmp_path / "new.tar.gz", to_dir="e", overwrite=True)

    assert (sent, before) == (False, {"e/keep": 3})
    # What the server does: it deletes the folder first. A server that merges one day fails here.
    assert (replaced, run.get_tree_recursive()) == (True, {"e/new": 3})


def test_a_tar_for_a_folder_that_came_meanwhile_deletes_nothing(
    run: RunClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keep").write_text("old")
    missing = run.get_tree("e")
    run.upload_file(tmp_path / "keep", to_dir="e")
    monkeypatch.setattr(run, "get_tree", lambda path: missing)

    run.upload_tar(tar_of({"new": b"new"}), to_dir="e", overwrite=False)

    monkeypatch.undo()
    assert run.get_tree_recursive() == {"e/keep": 3}


def test_what_was_replaced_since_it_was_last_fetched_is_fetched_anew(
    run: RunClient, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    for content in ("first", "second"):
        path.write_text(content)
        run.upload_file(path, to_dir="d")
        assert run.download_file("d/f", tmp_path / "back").read_text() == content
    path.write_text("third")
    run.upload_file(path, to_dir="d")
    # What the server does: it keeps what it once sent. One that does not any more fails here.
    assert run.download_file("d/f", tmp_path / "back", force=False).read_text() == "second"


def test_an_open_file_is_sent_under_any_name(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("0123")
    with (tmp_path / "f").open("rb") as file:
        file.seek(1)
        run.upload_file(file, to_dir="d", name="g")

    assert run.download_file("d/g", tmp_path / "back").read_text() == "123"


def test_a_folder_that_is_missing_is_empty_and_says_so(run: RunClient) -> None:
    tree = run.get_tree("nope")

    assert (tree.files, tree.dirs, tree.is_missing) == ({}, (), True)
    assert run.get_tree_recursive("nope") == {}


def test_metric_rows_come_back_by_column(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "loss.plx").write_text(LOSS)
    run.upload_file(tmp_path / "loss.plx", to_dir="events/metric")
    run.upload_file(tmp_path / "loss.plx", to_dir="events/metric/train")

    found = run.get_events("metric", ["loss", "train/loss", "not there"])

    columns = {series.name: series.data for series in found}
    assert set(columns) == {"loss", "train/loss"}
    assert columns["loss"] == columns["train/loss"]
    assert columns["loss"]["step"] == [0, 1, 2]
    assert columns["loss"]["metric"] == [1.0, None, 0.25]
    (sampled,) = run.get_events("metric", ["loss"], sample=2)
    assert len(sampled.data["step"]) == 2
    (text,) = run.get_events("metric", ["loss"], orient="csv")
    assert text.data == LOSS


def test_events_that_cannot_be_asked_for_are_refused(run: RunClient) -> None:
    with pytest.raises(EventError, match="'a,b' cannot be asked for"):
        run.get_events("metric", ["a,b"])

    assert run.get_events("metric", []) == ()


def test_a_deleted_file_is_gone(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    run.upload_file(tmp_path / "f", to_dir="d")

    run.delete_file("d/f")

    assert run.get_tree_recursive() == {}
    with pytest.raises(ServerError, match="could not be deleted"):
        run.delete_file("d/f")


def test_a_download_of_what_is_not_there_leaves_no_file(run: RunClient, tmp_path: Path) -> None:
    (tmp_path / "to").write_text("before")

    with pytest.raises(ServerError, match="Artifact not found") as missing:
        run.download_file("nope", tmp_path / "to")

    assert missing.value.status == 404
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("to", "before")]
