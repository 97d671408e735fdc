"""Images, sounds and texts of a run: kept when the call returns, encoded beside the training."""

import io
import json
import logging
import os
import signal
import threading

import numpy
import PIL.Image
import pytest

import axonlog
from axonlog.errors import EventError
from axonlog.events import read_events
from axonlog.store import repair

OFFLINE = {
    "project": "acme/digits",
    "is_offline": True,
    "track_env": False,
    "track_code": False,
}
PIXELS = numpy.arange(48, dtype="uint8").reshape(3, 4, 4)


@pytest.fixture
def run(tmp_path):
    with axonlog.Run(**OFFLINE, artifacts_path=tmp_path / "run") as run:
        yield run


def rows(path, kind, name):
    return list(read_events(path / "events" / kind / f"{name}.plx", kind=kind))


def test_an_image_is_the_pixels_that_it_had_when_it_was_logged(run):
    pixels = PIXELS.copy()
    run.log_image(pixels, "train/digit", step=3)
    pixels[:] = 0
    run.end()
    (row,) = rows(run.path, "image", "train__digit")
    value = json.loads(row.text)
    assert (row.step, value["path"]) == (3, "assets/image/train__digit_3.png")
    kept = numpy.asarray(PIL.Image.open(run.path / value["path"]))
    assert (kept.transpose(2, 0, 1) == PIXELS).all()
    assert not (run.path / ".axonlog" / "spool").exists()


def test_rows_stand_in_the_order_of_the_calls(run):
    for step in range(20):
        run.log_image(PIXELS, "digit", step=step)
        run.log_text("note", f"step {step}|", step=step)
    run.end()
    assert [row.step for row in rows(run.path, "image", "digit")] == list(range(20))
    assert [row.text for row in rows(run.path, "text", "note")] == [f"step {n}|" for n in range(20)]


def test_a_file_may_be_deleted_after_the_call(run, tmp_path):
    picture = tmp_path / "digit.png"
    PIL.Image.new("L", (2, 2)).save(picture)
    run.log_image(picture, step=1)
    picture.unlink()
    run.end()
    assert (run.path / "assets/image/digit_1.png").exists()


def test_what_a_killed_process_has_logged_is_encoded_when_the_run_is_repaired(tmp_path):
    path = tmp_path / "run"
    child = os.fork()
    if child == 0:
        run = axonlog.Run(**OFFLINE, artifacts_path=path)
        run._recorder.media._run = threading.Event().wait  # the encoder gets no further
        for step in range(3):
            run.log_image(PIXELS, "digit", step=step)
        run.log_html("report", "<b>a|b</b>")
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not (path / "events/image").exists()
    repair(path)
    assert [row.step for row in rows(path, "image", "digit")] == [0, 1, 2]
    assert [row.text for row in rows(path, "html", "report")] == ["<b>a|b</b>"]
    assert len(list((path / "assets/image").iterdir())) == 3


def test_what_is_no_image_is_refused_at_once_and_leaves_nothing(run):
    with pytest.raises(EventError, match="dataformats"):
        run.log_image(PIXELS, "digit", dataformats="HW")
    with pytest.raises(EventError, match="step"):
        run.log_image(PIXELS, "digit", step=1.5)
    run.end()
    assert not (run.path / "events").exists() or not any((run.path / "events").iterdir())


def test_an_image_that_cannot_be_encoded_is_reported_and_the_next_one_is_kept(run, caplog):
    file = io.BytesIO()
    PIL.Image.new("RGB", (64, 64), "red").save(file, format="JPEG")
    picture = type("Summary", (), {"encoded_image_string": file.getvalue()[:-300]})()
    with caplog.at_level(logging.WARNING, "axonlog"):
        run.log_image(picture, "digit", step=1)
        run.log_image(PIXELS, "digit", step=2)
        run.end()
    assert [row.step for row in rows(run.path, "image", "digit")] == [2]
    assert caplog.text.count("could not be brought into its file") == 1
    assert len(list((run.path / ".axonlog" / "spool").glob("*.unreadable"))) == 1


def test_without_events_each_kind_is_reported_once(tmp_path, caplog):
    with (
        caplog.at_level(logging.WARNING, "axonlog"),
        axonlog.Run(**OFFLINE, artifacts_path=tmp_path / "run", collect_artifacts=False) as run,
    ):
        for step in range(3):
            run.log_image(PIXELS, "digit", step=step)
            run.log_text("note", "a", step=step)
    assert caplog.text.count("events of kind image are not recorded") == 1
    assert caplog.text.count("events of kind text are not recorded") == 1
    assert not list((tmp_path / "run").rglob("*.png"))
