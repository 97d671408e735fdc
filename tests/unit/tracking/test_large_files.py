"""Checkpoints are logged while the training waits: what can be left for later is."""

import hashlib
import threading
from pathlib import Path

import pytest

import axonlog
from support.runs import lineage_of

SIZE = 9 * 1024 * 1024


@pytest.fixture
def run():
    return axonlog.Run(project="acme/d", is_offline=True, track_env=False, track_code=False)


def place(run):
    return Path(run.context.artifacts_path.value)


def test_a_large_file_is_digested_when_the_caller_is_not_waiting_any_more(
    run, tmp_path, monkeypatch
):
    may_digest, digest = threading.Event(), axonlog.store.digest

    def wait_and_digest(path):
        assert threading.current_thread() is not threading.main_thread()
        assert may_digest.wait(30)
        return digest(path)

    monkeypatch.setattr("axonlog.tracking._artifacts.digest", wait_and_digest)
    (tmp_path / "model.pt").write_bytes(b"1" * SIZE)
    run.log_model(tmp_path / "model.pt")
    (tmp_path / "model.pt").unlink()
    assert "hash" not in lineage_of(place(run))["model"]["summary"]
    may_digest.set()
    run.end()
    expected = hashlib.md5(b"1" * SIZE).hexdigest()[:12]
    assert lineage_of(place(run))["model"]["summary"]["hash"] == expected


def test_what_is_done_to_a_logged_file_afterwards_does_not_reach_the_run(run, tmp_path):
    path = tmp_path / "last.pt"
    path.write_bytes(b"first")
    run.log_model(path)
    with path.open("r+b") as file:
        file.write(b"wrong")
    assert (place(run) / "outputs" / "last.pt").read_bytes() == b"first"
    path.write_bytes(b"second")
    run.log_model(path)
    path.unlink()
    run.end()
    assert (place(run) / "outputs" / "last.pt").read_bytes() == b"second"


def test_a_file_whose_size_is_a_lie_is_copied_all_the_same(run):
    run.log_artifact("/proc/self/status")
    run.end()
    assert b"Threads" in (place(run) / "outputs" / "status").read_bytes()
