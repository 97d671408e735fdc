"""Rows that somebody deleted here stay on the server: nothing there is replaced by less."""

import shutil
import threading
import uuid
from pathlib import Path

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.delivery import sync
from support.clients import client_of
from support.remote import remote_curve
from support.waiting import until

QUIET = {"track_env": False, "track_code": False}
NAMES = [f"m{number}" for number in range(6)]


@pytest.fixture
def run(polyaxon_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    run = axonlog.Run(project=f"acme/p-{uuid.uuid4().hex}", **QUIET)
    log(run, range(200))
    deliver(run, 200)
    yield run
    run.end()


def directory(run):
    return Path(run.context.artifacts_path.value)


def remote(run):
    return RunClient(run.owner, run.project, run.run_uuid, client_of(run.context.host.value))


def remote_steps(run, name):
    return [step for step, _ in remote_curve(remote(run), name)]


def log(run, steps):
    for step in steps:
        run.log_metrics(dict.fromkeys(NAMES, step / 7), step=step)


def deliver(run, rows):
    """Wait until the server has so many rows of each metric."""
    run._recorder.store.refresh()
    run._recorder._uploader.flush()
    until(lambda: run.delivery.state == "delivered", timeout_s=60)
    assert {len(remote_steps(run, name)) for name in NAMES} == {rows}


def test_deleting_the_events_of_a_live_run_costs_the_server_no_row(run):
    shutil.rmtree(directory(run) / "events")
    log(run, range(200, 210))
    deliver(run, 210)
    shutil.rmtree(directory(run) / "events")
    log(run, range(210, 211))
    run.end()
    assert run.delivery.is_complete
    for name in NAMES:
        assert remote_steps(run, name) == [*range(211)]
        assert run._recorder.store.document.snapshot().outputs[name] == 210 / 7
    summaries = {entry.name: entry.summary for entry in remote(run).get_lineage()}
    assert {summaries[name]["metric"]["count"] for name in NAMES} == {211.0}


@pytest.mark.parametrize("new", [1, 400])
def test_rows_deleted_before_fewer_or_more_new_ones_come_stay_there(run, new):
    for path in (directory(run) / "events" / "metric").iterdir():
        path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:50]))
    log(run, range(200, 200 + new))
    deliver(run, 200 + new)
    assert remote_steps(run, "m0") == [*range(200 + new)]


def test_a_sync_of_a_shortened_run_sends_the_rows_of_both(run):
    run.end()
    for path in (directory(run) / "events" / "metric").iterdir():
        rows = path.read_bytes().split(b"\n")[:50]
        path.write_bytes(b"\n".join([*rows, b"999|2030-01-01 00:00:00.000000+00:00|1.0"]))
    before = (directory(run) / "events/metric/m0.plx").read_bytes()
    for _ in range(2):
        assert sync(directory(run), remote(run)).is_complete
        assert remote_steps(run, "m0") == [*range(200), 999]
    assert (directory(run) / "events/metric/m0.plx").read_bytes() == before


def test_rows_of_a_batch_that_failed_and_were_sent_come_once(run, monkeypatch):
    """The disk is full in the middle of a batch, just when the first file of it was sent."""
    full = directory(run) / "events" / "metric" / "z.plx"
    full.symlink_to("/dev/full")
    store, sent = run._recorder.store, threading.Event()
    append = store._event_files._append

    def append_and_deliver(rows):
        if rows.series.stem == "z" and not sent.is_set():
            run._recorder._uploader.flush()
            until(lambda: 200 in remote_steps(run, "m0"), timeout_s=60)
            sent.set()
        append(rows)

    monkeypatch.setattr(store._event_files, "_append", append_and_deliver)
    run.log_metrics({**dict.fromkeys(NAMES, 200 / 7), "z": 0.5}, step=200)
    until(sent.is_set, timeout_s=60)
    run._recorder._uploader.flush()
    until(lambda: run.delivery.state == "delivered", timeout_s=60)
    full.unlink()
    run.end()
    assert run.delivery.is_complete
    assert {name: remote_steps(run, name) for name in NAMES} == {n: [*range(201)] for n in NAMES}
