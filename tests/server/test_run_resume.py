"""Runs that go on: wherever they do, the server never has less than before."""

import json
import os
import shutil
import time
import uuid
from pathlib import Path

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.delivery import sync
from support.clients import client_of
from support.remote import remote_curve
from support.runs import document_of, points_of

QUIET = {"track_env": False, "track_code": False}
MANY = 3000


@pytest.fixture
def host(polyaxon_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    return polyaxon_server.url


@pytest.fixture
def begun(host, tmp_path):
    """A run of 3000 points on the server; ``stale`` is a copy of what it was in the middle."""
    with axonlog.Run(project=f"acme/p-{uuid.uuid4().hex}", **QUIET) as run:
        run.log_inputs(lr=0.1)
        for step in range(MANY):
            run.log_metrics(loss=step / 7, step=step)
            if step == MANY // 2:
                (tmp_path / "model.bin").write_bytes(b"early")
                run.log_model(tmp_path / "model.bin")
                shutil.copytree(directory(run), tmp_path / "stale" / run.run_uuid)
        (tmp_path / "model.bin").write_bytes(b"the best")
        run.log_model(tmp_path / "model.bin")
        run.log_outputs(best=1)
    return run


def directory(run):
    return Path(run.context.artifacts_path.value)


def seen(host, run):
    return RunClient(run.owner, run.project, run.run_uuid, client_of(host))


def steps_there(host, run):
    return [step for step, _ in remote_curve(seen(host, run), "loss")]


def go_on(run, place, steps, **more):
    project = f"{run.owner}/{run.project}"
    with axonlog.Run(
        project=project, run_uuid=run.run_uuid, artifacts_path=str(place), **QUIET
    ) as again:
        for step in steps:
            again.log_metrics(loss=step / 7, step=step, **more)
    return again


def test_two_machines_in_turn_lose_nothing_of_each_other(host, begun, tmp_path):
    here, there = directory(begun), tmp_path / "elsewhere"
    expected = list(range(MANY))
    for turn, place in enumerate([there, here, there, here]):
        new = [MANY + turn]
        go_on(begun, place, new)
        expected += new
        assert steps_there(host, begun) == expected
        assert [step for step, _ in points_of(place, "loss")] == expected


@pytest.mark.parametrize("place", ["empty", "stale", "original"])
def test_a_run_goes_on_anywhere_with_all_its_points(host, begun, tmp_path, place):
    path = {
        "empty": tmp_path / "empty",
        "stale": tmp_path / "stale" / begun.run_uuid,
        "original": directory(begun),
    }[place]
    go_on(begun, path, [MANY])
    assert steps_there(host, begun) == [*range(MANY + 1)]
    data = seen(host, begun).get()
    assert data.inputs == {"lr": 0.1}
    assert data.outputs == {"best": 1, "loss": MANY / 7}
    model = seen(host, begun).download_file("outputs/model.bin", tmp_path / "back")
    assert model.read_bytes() == b"the best"


def test_both_at_once_lose_nothing_of_each_other(host, begun, tmp_path):
    project = f"{begun.owner}/{begun.project}"
    runs = [
        axonlog.Run(
            project=project,
            run_uuid=begun.run_uuid,
            artifacts_path=str(tmp_path / name),
            **QUIET,
        )
        for name in ("one", "two")
    ]
    for step in range(MANY, MANY + 100):
        runs[step % 2].log_metrics(loss=step / 7, step=step)
    for run in runs:
        run.end()
    assert sorted(steps_there(host, begun)) == [*range(MANY + 100)]


def test_a_stale_copy_that_is_delivered_changes_nothing(host, begun, tmp_path):
    stale = tmp_path / "stale" / begun.run_uuid
    before = seen(host, begun).get(), seen(host, begun).get_lineage()
    for ledger in ("kept", "lost"):
        if ledger == "lost":
            shutil.rmtree(stale / ".axonlog")
        sync(stale, seen(host, begun))
        assert steps_there(host, begun) == [*range(MANY)]
        data, lineage = seen(host, begun).get(), seen(host, begun).get_lineage()
        assert (data.status, data.inputs, data.outputs) == (
            before[0].status,
            before[0].inputs,
            before[0].outputs,
        )
        assert {entry.name: entry.summary for entry in lineage}["loss"] == {
            entry.name: entry.summary for entry in before[1]
        }["loss"]


def test_rows_of_a_stale_copy_that_nobody_has_join_the_others(host, begun, tmp_path):
    stale = tmp_path / "stale" / begun.run_uuid
    with axonlog.Run(
        project=f"{begun.owner}/{begun.project}",
        run_uuid=begun.run_uuid,
        artifacts_path=str(stale),
        is_offline=True,
        **QUIET,
    ) as offline:
        offline.log_metrics(loss=0.5, step=9999)
    assert sync(stale, seen(host, begun)).is_complete
    assert steps_there(host, begun) == [*range(MANY), 9999]
    (entry,) = [e for e in seen(host, begun).get_lineage() if e.name == "loss"]
    assert entry.summary["metric"]["count"] == MANY + 1


def test_an_older_file_does_not_replace_one_of_a_newer_attempt(host, begun, tmp_path, caplog):
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "model.bin").write_bytes(b"of the second attempt")
    with axonlog.Run(
        project=f"{begun.owner}/{begun.project}",
        run_uuid=begun.run_uuid,
        artifacts_path=str(elsewhere),
        **QUIET,
    ) as second:
        second.log_model(tmp_path / "model.bin")
    # The first machine has lost its notes, and does not know that it is behind.
    shutil.rmtree(directory(begun) / ".axonlog")
    report = sync(directory(begun), seen(host, begun))
    assert report.kept_back == ("outputs/model.bin",)
    assert "stays here, for the server has a newer one" in caplog.text
    back = seen(host, begun).download_file("outputs/model.bin", tmp_path / "back")
    assert back.read_bytes() == b"of the second attempt"


def test_a_late_copy_does_not_replace_a_file_of_a_newer_attempt(host, begun, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"of the second attempt")
    with axonlog.Run(
        project=f"{begun.owner}/{begun.project}",
        run_uuid=begun.run_uuid,
        artifacts_path=str(tmp_path / "elsewhere"),
        **QUIET,
    ) as second:
        second.log_model(tmp_path / "model.bin")
    # Its files seem to be of now: it was copied without their times.
    late = tmp_path / "late" / begun.run_uuid
    shutil.copytree(directory(begun), late, copy_function=shutil.copyfile)
    report = sync(late, seen(host, begun))
    assert report.kept_back == ("outputs/model.bin",)
    back = seen(host, begun).download_file("outputs/model.bin", tmp_path / "back")
    assert back.read_bytes() == b"of the second attempt"


def test_a_newer_attempt_that_was_offline_brings_all_that_it_logged(host, begun, tmp_path):
    with axonlog.Run(
        project=f"{begun.owner}/{begun.project}",
        run_uuid=begun.run_uuid,
        artifacts_path=str(tmp_path / "elsewhere"),
        is_offline=True,
        **QUIET,
    ) as offline:
        offline.log_inputs(lr=0.2)
        offline.log_outputs(best=2)
        offline.set_description("second")
    assert sync(tmp_path / "elsewhere", seen(host, begun)).is_complete
    data = seen(host, begun).get()
    assert (data.inputs["lr"], data.outputs["best"]) == (0.2, 2)
    assert data.description == "second"


def test_an_old_ending_does_not_turn_back_the_status_of_a_newer_attempt(host, tmp_path):
    project = f"acme/p-{uuid.uuid4().hex}"
    run = axonlog.Run(project=project, **QUIET)
    run.log_metrics(loss=1.0, step=0)
    run.end()
    first = directory(run)
    with axonlog.Run(project=project, run_uuid=run.run_uuid, is_offline=True, **QUIET) as crashed:
        crashed.log_failed(reason="ValueError", message="nan")
    go_on(run, tmp_path / "elsewhere", [1])
    for _ in range(2):
        assert sync(first, seen(host, run)).is_complete
        assert seen(host, run).get_statuses().status == "succeeded"
    assert document_of(first)["status"] == "failed"


@pytest.mark.parametrize("place", ["here", "another machine"])
@pytest.mark.parametrize("is_settled", [False, True])
def test_a_copy_of_a_living_run_sends_points_and_no_ending(host, tmp_path, place, is_settled):
    project = f"acme/p-{uuid.uuid4().hex}"
    run = axonlog.Run(project=project, is_offline=True, **QUIET)
    for step in range(10):
        run.log_metrics(loss=step / 7, step=step)
    if is_settled:
        run.settle("succeeded")
    copy = Path(shutil.copytree(directory(run), tmp_path / "copy" / run.run_uuid))
    if place == "another machine":
        (note,) = (copy / ".axonlog" / "journal").glob("*-*.json")
        owner = {"boot_id": "another", "machine_id": "another", "host": "another"}
        note.write_text(json.dumps({**json.loads(note.read_text()), **owner}))
        long_ago = time.time() - 3600
        os.utime(note, (long_ago, long_ago))
    for _ in range(2):
        assert sync(copy, seen(host, run)).is_complete
        assert seen(host, run).get_statuses().status == "running"
        assert steps_there(host, run) == [*range(10)]
    run.log_metrics(loss=10 / 7, step=10)
    run.end()
    sync(copy, seen(host, run))
    assert seen(host, run).get_statuses().status == "running"
    sync(directory(run), seen(host, run))
    sync(copy, seen(host, run))
    assert seen(host, run).get_statuses().status == "succeeded"
    assert steps_there(host, run) == [*range(11)]


def test_a_copy_of_a_run_that_died_is_delivered_with_its_ending(host, tmp_path):
    project = f"acme/p-{uuid.uuid4().hex}"
    child = os.fork()
    if child == 0:
        run = axonlog.Run(
            project=project, is_offline=True, artifacts_path=str(tmp_path / "run"), **QUIET
        )
        run.log_metrics(loss=0.5, step=1)
        os._exit(9)
    os.waitpid(child, 0)
    copy = Path(shutil.copytree(tmp_path / "run", tmp_path / "copy"))
    run = RunClient(*project.split("/"), document_of(copy)["uuid"], client_of(host))
    assert sync(copy, run).is_complete
    assert run.get_statuses().status == "failed"
    assert remote_curve(run, "loss") == [(1, 0.5)]
