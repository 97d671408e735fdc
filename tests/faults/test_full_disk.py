"""A disk that is full when a run ends: nothing is called delivered that is not."""

import json
import textwrap

import pytest

from axonlog.cli import main
from axonlog.store import repair
from support.fault_server import FaultServer
from support.runs import document_of, only_run, points_of, statuses_of
from support.scripts import run_code
from support.stub_polyaxon import StubPolyaxon

POINTS = 20_000

# Fills the disk when everything is in the journal, and little of it in the event files.
FILL = f"""
import logging, os, sys, time
logging.basicConfig(format="%(message)s")
import axonlog
run = axonlog.init(
    project="acme/full", is_offline=True, track_env=False, track_code=False, name="full"
)
run._recorder._flusher.stop()
for step in range({POINTS}):
    axonlog.log_metrics(step=step, loss=step / 3)
ballast = open("ballast", "wb", buffering=0)
for size in (4096, 1):
    try:
        while ballast.write(bytes(size)) == size:
            pass
    except OSError:
        pass
"""


@pytest.fixture
def disk(small_disk, tmp_path, monkeypatch):
    if small_disk is None:
        pytest.skip("cannot mount a small disk here: run the tests as root")
    monkeypatch.chdir(small_disk)
    yield small_disk
    monkeypatch.chdir(tmp_path)  # who is in it keeps it from being taken away


def filled(disk, text="", free_bytes=0):
    done = run_code(FILL + textwrap.dedent(text), disk)
    assert done.returncode == 0, done.stderr
    if free_bytes:
        size = (disk / "ballast").stat().st_size
        with (disk / "ballast").open("rb+") as ballast:
            ballast.truncate(size - free_bytes)
    return done


def listed(capsys):
    assert main(["ls", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    return run


def test_what_is_in_the_journal_only_is_not_delivered(disk, capsys, monkeypatch):
    # Room for a part of the points, and then for no more.
    done = filled(disk, free_bytes=400_000)
    assert "nothing of it is lost" in done.stderr
    stub = StubPolyaxon()
    with FaultServer(otherwise=stub) as server:
        monkeypatch.setenv("POLYAXON_HOST", server.url)
        command = ["sync", "--all", "--wait", "5"]
        assert main(command) == 1
        said = capsys.readouterr().out
        assert "has everything" not in said
        assert "points not brought from the journal to its file" in said
        assert "No space left on device" in said
        assert stub.run["status"] == "running"
        brought = len(stub.contents["events/metric/loss.plx"].splitlines()) - 1
        assert 0 < brought < POINTS
        shown = listed(capsys)
        assert shown["unreplayed_points"] == POINTS - brought
        assert "No space left on device" in shown["journal_error"]
        assert shown["status"] == "succeeded"  # as its process said
        assert main(["ls"]) == 0
        assert f"{POINTS - brought:,} points not brought" in capsys.readouterr().err
        assert main(command) == 1
        assert stub.run["status"] == "running"
        (disk / "ballast").unlink()
        assert main(command) == 0
    assert stub.run["status"] == "succeeded"
    assert len(stub.contents["events/metric/loss.plx"].splitlines()) == POINTS + 1
    capsys.readouterr()
    assert listed(capsys)["unreplayed_points"] == 0


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [
        ("run.end()", "succeeded", "PolyaxonClient"),
        ("", "succeeded", "PolyaxonClient"),
        ("run.log_failed(reason='Diverged', message='nan')", "failed", "Diverged"),
        ("run.settle('succeeded'); os._exit(0)", "succeeded", "PolyaxonClient"),
        ("run.log_status('stopped', reason='Enough'); run.end()", "stopped", "Enough"),
    ],
)
def test_the_ending_that_a_process_gave_is_the_runs(disk, capsys, ending, status, reason):
    filled(disk, ending)
    run = only_run(disk)
    for room in ("none", "all"):
        if room == "all":
            (disk / "ballast").unlink()
            assert repair(run).points == POINTS
            assert document_of(run)["status_conditions"][-1]["reason"] == reason
        shown = listed(capsys)
        assert (shown["status"], shown["reason"]) == (status, reason)
    assert statuses_of(run) == ["created", "running", status]
    assert points_of(run, "loss") == [(step, step / 3) for step in range(POINTS)]


def test_a_settled_run_that_goes_on_and_is_killed_is_lost(disk, capsys):
    filled(disk, "run.settle('succeeded'); axonlog.log_metrics(step=1, loss=0.5); os._exit(0)")
    assert listed(capsys)["status"] == "lost"
    (disk / "ballast").unlink()
    assert listed(capsys)["status"] == "lost"
    assert statuses_of(only_run(disk))[-1] == "failed"
