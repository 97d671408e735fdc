"""What is recorded automatically never replaces what the user recorded."""

import json
import threading
from pathlib import Path

import pytest

import axonlog
from support.runs import lineage_of

OFFLINE = {"project": "acme/digits", "is_offline": True}


def directory(run):
    return Path(run.context.artifacts_path.value)


def environment_of(run, name="env.json"):
    return json.loads((directory(run) / "outputs" / name).read_text())


@pytest.fixture
def slow_capture(monkeypatch):
    """The automatic capture takes until this is set."""
    may_go_on = threading.Event()
    monkeypatch.setattr(
        "axonlog.tracking._run_files.describe_environment",
        lambda: {"automatic": may_go_on.wait(30)},
    )
    return may_go_on


def by_log_env(run, tmp_path):
    run.log_env(content={"mine": 1})


def by_log_artifact(run, tmp_path):
    (tmp_path / "env.json").write_text('{"mine": 1}')
    run.log_artifact(tmp_path / "env.json")


def by_hand(run, tmp_path):
    Path(run.get_outputs_path("env.json")).write_text('{"mine": 1}')


@pytest.mark.parametrize("record", [by_log_env, by_log_artifact, by_hand])
@pytest.mark.parametrize("user_is", ["first", "last"])
def test_the_users_environment_stays(slow_capture, tmp_path, record, user_is):
    run = axonlog.Run(**OFFLINE, track_code=False)
    if user_is == "last":
        slow_capture.set()
        for capture in run._recorder._background_threads:
            capture.join()
    record(run, tmp_path)
    slow_capture.set()
    run.end()
    assert environment_of(run) == {"mine": 1}
    with axonlog.Run(**OFFLINE, run_uuid=run.run_uuid) as again:
        pass
    assert environment_of(again) == {"mine": 1}


def test_the_environment_of_a_later_attempt_replaces_an_automatic_one(slow_capture):
    slow_capture.set()
    with axonlog.Run(**OFFLINE, track_code=False) as run:
        pass
    assert environment_of(run)["automatic"] is True
    slow_capture.clear()
    with axonlog.Run(**OFFLINE, run_uuid=run.run_uuid, track_code=False) as again:
        again._recorder.store.document.merge("inputs", {"attempt": 2})
        Path(directory(run) / "outputs" / "env.json").write_text(
            json.dumps({**environment_of(run), "old": True})
        )
        slow_capture.set()
    assert "old" not in environment_of(run)


def test_two_environments_are_two_entries(slow_capture):
    run = axonlog.Run(**OFFLINE, track_code=False)
    run.log_env("mine.json", {"mine": 1})
    slow_capture.set()
    run.end()
    assert {name: entry["path"] for name, entry in lineage_of(directory(run)).items()} == {
        "env": "outputs/mine.json",
        "env-json": "outputs/env.json",
    }


def test_the_users_code_reference_stays(monkeypatch):
    may_go_on = threading.Event()
    commit = "a" * 40

    def describe():
        may_go_on.wait(30)
        return {"commit": commit, "branch": "automatic"}

    monkeypatch.setattr("axonlog.tracking._run_files.describe_code", describe)
    run = axonlog.Run(**OFFLINE, is_new=True, track_env=False)
    run.log_code_ref({"commit": commit, "branch": "mine"})
    may_go_on.set()
    run.end()
    assert lineage_of(directory(run))[commit]["summary"]["branch"] == "mine"


def test_a_late_digest_does_not_touch_what_was_logged_since(tmp_path, monkeypatch):
    """A large file is digested beside the training; the same name may be logged again meanwhile."""
    from axonlog.tracking import _artifacts

    monkeypatch.setattr(_artifacts, "_DIGESTED_AT_ONCE_BYTES", 0)
    may_go_on, digest = threading.Event(), _artifacts.digest
    monkeypatch.setattr(_artifacts, "digest", lambda path: may_go_on.wait(30) and digest(path))
    run = axonlog.Run(**OFFLINE, track_env=False, track_code=False)
    for text in ("one", "two"):
        (tmp_path / f"{text}.pt").write_text(text)
        run.log_model(tmp_path / f"{text}.pt", name="best")
    (tmp_path / "loss.png").write_text("x")
    run.log_artifact(tmp_path / "loss.png")
    run.log_metrics(loss=0.5)
    run._recorder.store.refresh()  # the metric takes the name of the picture
    may_go_on.set()
    run.end()
    entries = lineage_of(directory(run))
    assert entries["best"]["path"] == "outputs/two.pt"
    assert entries["best"]["summary"]["hash"] == digest(tmp_path / "two.pt")
    assert entries["loss-png"]["summary"]["hash"] == digest(tmp_path / "loss.png")


def outputs_of(run):
    return json.loads((directory(run) / "run.plx.json").read_text())["outputs"]


@pytest.mark.parametrize("order", ["output first", "metric first", "metric not yet on disk"])
@pytest.mark.parametrize("collects", [True, False])
def test_an_output_of_the_user_is_never_replaced_by_the_last_value_of_a_metric(order, collects):
    settings = {**OFFLINE, "track_env": False, "track_code": False, "collect_artifacts": collects}
    run = axonlog.Run(**settings)
    if order != "output first":
        run.log_metrics(loss=1.0, acc=0.5, step=1)
    if order == "metric first":
        run._recorder.store.refresh()
    run.log_outputs(loss=7)
    run.log_metrics(loss=2.0, acc=0.6, step=2)
    run.end()
    assert outputs_of(run) == {"loss": 7, "acc": 0.6}
    with axonlog.Run(**settings, run_uuid=run.run_uuid) as again:
        again.log_metrics(loss=3.0, acc=0.7, step=3)
    assert outputs_of(run) == {"loss": 7, "acc": 0.7}


def test_a_value_that_the_user_confirms_as_an_output_stays():
    with axonlog.Run(**OFFLINE, track_env=False, track_code=False) as run:
        run.log_metrics(loss=1.0, acc=0.5, step=1)
        run._recorder.store.refresh()
        run.log_outputs(loss=1.0)
        run.log_metrics(loss=2.0, acc=0.6, step=2)
    assert outputs_of(run) == {"loss": 1.0, "acc": 0.6}


def test_outputs_that_the_user_took_away_come_back_with_the_next_value():
    with axonlog.Run(**OFFLINE, track_env=False, track_code=False) as run:
        run.log_outputs(loss=7, best=1)
        run.log_outputs(best=2, reset=True)
        run.log_metrics(loss=2.0, best=0.1, step=2)
    assert outputs_of(run) == {"best": 2, "loss": 2.0}
