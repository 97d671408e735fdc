"""``axonlog sync`` and ``axonlog ls`` beside a real server."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

import axonlog
from axonlog.cli import main
from axonlog.client import RunClient
from axonlog.context._project_path import to_project_name
from support.clients import client_of
from support.command import in_terminal, make_run
from support.default_host import set_default_host
from support.fault_server import Answer, Forward, Hang
from support.remote import remote_curve
from support.runs import document_of

POINTS = [(0, 0.0), (1, 0.5), (2, 1.0)]


@pytest.fixture
def project():
    return f"acme/p-{uuid.uuid4().hex}"


@pytest.fixture
def host(polyaxon_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    return polyaxon_server.url


def there(host, project, path):
    return RunClient(*project.split("/"), path.name, client_of(host))


def listed(capsys):
    assert main(["ls", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["runs"]


def test_runs_that_were_tracked_offline_are_sent(host, project, capsys):
    paths = [make_run(name, project=project) for name in ("a", "b")]
    assert main(["sync", "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[1] for line in lines) == ["a", "b"]
    assert all("sent: " in line and line.endswith(f"to {host}/{project}") for line in lines)
    for path in paths:
        assert remote_curve(there(host, project, path), "loss") == POINTS
        assert there(host, project, path).get_statuses().status == "succeeded"
    assert {(run["pending"], run["pending_bytes"]) for run in listed(capsys)} == {(0, 0)}


def test_a_run_that_found_no_server_is_sent_later(polyaxon_server, project, monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        set_default_host(monkeypatch, nobody)
        path = make_run(project=project, is_offline=None, is_new=None)
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    assert main(["sync", path.name]) == 0
    assert capsys.readouterr().out.rstrip().endswith(f"to {polyaxon_server.url}/{project}")
    assert remote_curve(there(polyaxon_server.url, project, path), "loss") == POINTS


def test_a_run_that_was_given_no_project_is_sent_to_the_one_that_is_named(host, project, capsys):
    path = make_run(project=None)
    record = document_of(path)
    assert (record["owner"], record["project"]) == ("default", to_project_name(Path.cwd().name))
    assert main(["sync", path.name, "--project", project]) == 0
    assert capsys.readouterr().out.rstrip().endswith(f"to {host}/{project}")
    assert remote_curve(there(host, project, path), "loss") == POINTS


def test_sending_again_sends_nothing(fault_proxy, project, capsys):
    path = make_run(project=project)
    assert main(["sync", path.name, "--host", fault_proxy.url, "--json"]) == 0
    (first,) = json.loads(capsys.readouterr().out)["runs"]
    before = len(fault_proxy.requests)
    assert main(["sync", path.name, "--host", fault_proxy.url, "--json"]) == 0
    (second,) = json.loads(capsys.readouterr().out)["runs"]
    writes = {request.method for request in fault_proxy.requests[before:]} - {"GET", "HEAD"}
    assert (first["sent"] > 0, second["sent"], writes) == (True, 0, set())
    assert main(["sync", path.name, "--host", fault_proxy.url]) == 0
    assert "nothing to send: " in capsys.readouterr().out
    before = len(fault_proxy.requests)
    assert main(["sync", "--all", "--trust-ledger"]) == 0
    assert capsys.readouterr().err == "nothing to send\n"
    assert len(fault_proxy.requests) == before
    assert main(["sync", "--all"]) == 0
    assert capsys.readouterr().err == "nothing to send\n"


@pytest.mark.parametrize("lost", ["the files", "one file"])
def test_all_that_a_server_has_lost_is_sent_again(polyaxon_server, host, project, capsys, lost):
    paths = [make_run(name, project=project) for name in ("a", "b", "c")]
    assert main(["sync", "--all"]) == 0
    gone = there(host, project, paths[1])
    if lost == "the files":
        shutil.rmtree(polyaxon_server.store / gone.run_uuid)
    else:
        gone.delete_file("events/metric/loss.plx")
    capsys.readouterr()
    assert main(["sync", "--all"]) == 0
    sent = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert sent == ["b"]
    for path in paths:
        assert remote_curve(there(host, project, path), "loss") == POINTS
        assert there(host, project, path).get_statuses().status == "succeeded"
    assert main(["sync", "--all"]) == 0
    assert capsys.readouterr().err == "nothing to send\n"


def test_a_run_that_the_server_does_not_know_any_more_is_sent_again(fault_proxy, project, capsys):
    make_run(project=project)
    place = ["--host", fault_proxy.url]
    assert main(["sync", "--all", *place]) == 0
    fault_proxy.fault(Answer(200, b'{"results": []}'), method="GET", path="/runs$")
    fault_proxy.fault(Answer(404), method="GET", path="/runs/[0-9a-f]{32}$", times=1)
    capsys.readouterr()
    assert main(["sync", "--all", *place]) == 0
    assert "has everything" in capsys.readouterr().out


def test_a_run_that_was_deleted_on_the_server_on_purpose_stays_deleted(
    host, project, capsys, caplog
):
    path = make_run(project=project)
    assert main(["sync", "--all"]) == 0
    deleted = there(host, project, path)
    deleted.client.request("DELETE", f"/api/v1/{project}/runs/{deleted.run_uuid}")
    capsys.readouterr()
    assert main(["sync", "--all"]) == 0
    assert capsys.readouterr().err == "nothing to send\n"
    assert f"run {path.name} was deleted or archived on the server" in caplog.text


def test_a_server_is_asked_about_all_runs_of_a_project_at_once(fault_proxy, project, capsys):
    for _ in range(3):
        make_run(project=project)
    assert main(["sync", "--all", "--host", fault_proxy.url]) == 0
    before = len(fault_proxy.requests)
    assert main(["sync", "--all", "--host", fault_proxy.url]) == 0
    asked = [request.path.rpartition("/")[2] for request in fault_proxy.requests[before:]]
    assert asked == ["runs", "tree", "tree", "tree"]


def test_runs_that_cannot_be_checked_are_reported(fault_proxy, project, capsys):
    make_run(project=project)
    assert main(["sync", "--all", "--host", fault_proxy.url]) == 0
    fault_proxy.fault(Answer(500))
    capsys.readouterr()
    assert main(["sync", "--all", "--host", fault_proxy.url]) == 1
    told = capsys.readouterr().err
    assert told.startswith("1 run delivered before could not be checked: ")
    assert "500" in told
    assert "--trust-ledger" in told
    assert main(["sync", "--all", "--trust-ledger", "--host", fault_proxy.url]) == 0


def test_many_runs_are_sent_a_few_at_a_time_and_reported_in_order(fault_proxy, project, capsys):
    names = [f"r{i}" for i in range(9)]
    paths = [make_run(name, project=project) for name in names]
    hang = Hang(then=Forward())
    fault_proxy.fault(hang, lambda r: paths[-1].name in r.path, method="POST", times=1)
    first_done = threading.Event()

    def release():
        # The newest run waits, and is the first to be reported all the same.
        fault_proxy.wait_for(lambda r: r.path.endswith(f"{paths[0].name}/statuses"), count=2)
        hang.released.set()
        first_done.set()

    releasing = threading.Thread(target=release)
    releasing.start()
    assert main(["sync", "--all", "--host", fault_proxy.url]) == 0
    releasing.join()
    assert first_done.is_set()
    sent = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert sent == names[::-1]


def test_a_run_goes_where_it_was_sent_before(polyaxon_server, project, capsys):
    path = make_run(project="elsewhere/entirely")
    place = ["--host", polyaxon_server.url, "--project", project]
    assert main(["sync", path.name, *place]) == 0
    assert main(["sync", path.name]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.endswith(f"nothing to send: {polyaxon_server.url}/{project} has everything")
    assert remote_curve(there(polyaxon_server.url, project, path), "loss") == POINTS


def test_a_run_whose_process_was_killed_arrives_as_failed(host, project, tmp_path):
    script = f"""
import os, signal, axonlog
with axonlog.Run(project={project!r}, is_offline=True, track_env=False, track_code=False) as run:
    for step in range(3):
        run.log_metrics(loss=step / 2, step=step)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    (path,) = (tmp_path / "axonlog_data" / "runs").iterdir()
    assert main(["sync", "--all"]) == 0
    assert remote_curve(there(host, project, path), "loss") == POINTS
    assert there(host, project, path).get_statuses().status == "failed"
    assert document_of(path)["status"] == "failed"


def test_a_run_can_be_sent_while_it_goes_on(host, project):
    quiet = {"track_env": False, "track_code": False}
    with axonlog.Run(project=project, is_offline=True, is_new=True, **quiet) as run:
        run.log_metrics(loss=0.0, step=0)
        assert main(["sync", run.run_uuid]) == 0
        server = RunClient(run.owner, run.project, run.run_uuid, client_of(host))
        assert server.get_statuses().status == "running"
        run.log_metrics(loss=0.5, step=1)
        run.log_metrics(loss=1.0, step=2)
    assert main(["sync", run.run_uuid]) == 0
    assert remote_curve(server, "loss") == POINTS
    assert server.get_statuses().status == "succeeded"


def test_a_server_that_fails_for_a_while_gets_it_all(fault_proxy, project, capsys):
    path = make_run(project=project)
    fault_proxy.fault(Answer(500), times=3)
    assert main(["sync", path.name, "--host", fault_proxy.url]) == 0
    assert "sent: " in capsys.readouterr().out
    assert remote_curve(there(fault_proxy.url, project, path), "loss") == POINTS


def test_what_arrived_of_an_interrupted_sending_is_not_sent_again(fault_proxy, project, capsys):
    path = make_run(project=project)
    (path / "outputs" / "weights.bin").write_bytes(b"w" * 1000)
    rule = fault_proxy.fault(Answer(500), path="/artifact")
    words = ["sync", path.name, "--host", fault_proxy.url, "--wait", "0"]
    assert main(words) == 1
    assert "pending: " in capsys.readouterr().out
    rule.remove()
    before = len(fault_proxy.requests)
    assert main(words) == 0
    again = [request.path for request in fault_proxy.requests[before:]]
    assert not any(path.endswith("/runs/sync") for path in again)
    assert there(fault_proxy.url, project, path).download_file(
        "outputs/weights.bin", path.parent / "copy"
    ).read_bytes() == (b"w" * 1000)


def test_a_terminal_is_told_what_was_sent(host, project):
    path = make_run("shown", project=project)
    shown = in_terminal("sync", path.name, POLYAXON_HOST=host)
    assert "\x1b[32msent" in shown
    assert f"to {host}/{project}" in shown


def test_what_the_server_refuses_is_told_and_the_rest_arrives(fault_proxy, project, capsys):
    path = make_run(project=project)
    (path / "outputs" / "weights.bin").write_bytes(b"w" * 1000)
    refusal = Answer(400, b'{"detail": "no room"}', {"Content-Type": "application/json"})
    fault_proxy.fault(refusal, lambda request: b"weights.bin" in request.body, method="POST")
    words = ["sync", path.name, "--host", fault_proxy.url]
    assert main(words) == 1
    assert "refused: 1 item" in capsys.readouterr().out
    assert remote_curve(there(fault_proxy.url, project, path), "loss") == POINTS
    assert main([*words, "--json"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["failed"], run["pending"]) == (1, 0)
