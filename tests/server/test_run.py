"""Runs that a real server is told of, read back from it."""

import logging
import math
import shutil
import uuid
from pathlib import Path

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.errors import AuthenticationError, ContextError, TransportError
from support.clients import client_of
from support.fault_server import Answer, Hang, Reset
from support.runs import points_of
from support.scripts import run_code

QUIET = {"track_env": False, "track_code": False}


@pytest.fixture
def project():
    return f"acme/p-{uuid.uuid4().hex}"


@pytest.fixture
def host(polyaxon_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    return polyaxon_server.url


def directory(run):
    return Path(run.context.artifacts_path.value)


def seen(host, run):
    return RunClient(run.owner, run.project, run.run_uuid, client_of(host))


def is_upload(request):
    return request.method == "POST" and request.path.endswith(("/artifact", "/artifacts"))


def points_on_server(host, run, name):
    (series,) = seen(host, run).get_events("metric", [name])
    return list(zip(series.data["step"], series.data["metric"], strict=True))


def test_everything_of_a_run_is_read_back_from_the_server(host, project, tmp_path):
    (tmp_path / "weights.bin").write_bytes(bytes(range(256)))
    expected = [(step, math.sin(step)) for step in range(300)]
    with axonlog.Run(project=project, name="n", description="d", tags=["a"], **QUIET) as run:
        run.log_inputs({"lr": 0.1, "layers": [64, 10]})
        for step, value in expected:
            run.log_metrics({"train/loss": value, "acc": step / 300}, step=step)
        run.log_outputs(best=7)
        run.log_tags("b")
        run.log_meta(fold=2)
        run.log_progress(1)
        run.set_readme("# Digits")
        run.log_model(tmp_path / "weights.bin", framework="numpy")

    server = seen(host, run)
    data = server.get()
    assert (data.name, data.description, data.readme) == ("n", "d", "# Digits")
    assert data.inputs == {"lr": 0.1, "layers": [64, 10]}
    assert data.outputs == {"best": 7, "train__loss": math.sin(299), "acc": 299 / 300}
    assert set(data.tags) == {"a", "b"}
    flags = {"has_events": True, "has_metrics": True, "has_model": True}
    assert data.meta_info == {"fold": 2, "progress": 1, **flags}
    history = server.get_statuses()
    assert history.status == "succeeded"
    assert [entry.type for entry in history.status_conditions] == ["running", "succeeded"]
    assert points_on_server(host, run, "train__loss") == expected
    assert points_on_server(host, run, "acc") == [(step, step / 300) for step in range(300)]
    copy = server.download_file("outputs/weights.bin", tmp_path / "copy.bin")
    assert copy.read_bytes() == bytes(range(256))
    lineage = {entry.name: entry for entry in server.get_lineage()}
    assert lineage["weights"].kind == "model"
    assert lineage["weights"].path == "outputs/weights.bin"
    assert lineage["train__loss"].summary["metric"]["last"] == math.sin(299)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("My first run", "My-first-run"), ("実験 ☃", "u5b9f-9a13-20-2603"), ("ok_1-a", "ok_1-a")],
)
def test_any_name_reaches_the_server_in_a_form_that_it_takes(host, project, given, shown, caplog):
    caplog.set_level("INFO", "axonlog")
    with axonlog.Run(project=project, name=given, **QUIET) as run:
        pass
    assert (run.name, seen(host, run).get().name) == (given, shown)
    said = [text for text in map(logging.LogRecord.getMessage, caplog.records) if "named" in text]
    assert [repr(shown) in text for text in said] == ([] if given == shown else [True])
    with axonlog.Run(project=project, **QUIET) as run:
        run.set_name("x" * 200)
    assert len(seen(host, run).get().name) == 128


def test_points_are_on_the_server_while_the_run_goes_on(fault_proxy, monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        (upload,) = fault_proxy.wait_for(is_upload)
        fault_proxy.wait_for(lambda request: request.method == "PATCH")
        assert run.status == "running"
    assert b"|0.5" in upload.body  # it has been received by now


def test_the_ending_is_told_after_the_files(fault_proxy, monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
    told = [r for r in fault_proxy.requests if is_upload(r) or b"succeeded" in r.body]
    assert b'"succeeded"' in told[-1].body
    assert "/statuses" in told[-1].path


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("raise ValueError('nan')", "failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", "stopped"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "stopped"),
        ("import sys; sys.exit(0)", "succeeded"),
        ("import sys; sys.exit(1)", "failed"),
        ("", "succeeded"),
    ],
)
def test_the_server_knows_how_the_process_ended(host, project, tmp_path, ending, status):
    script = f"""
    import axonlog
    run = axonlog.init(project={project!r}, track_env=False, track_code=False)
    axonlog.log_metrics(loss=0.5, step=1)
    print(run.run_uuid, flush=True)
    {ending}
    """
    done = run_code(script, tmp_path)
    assert done.stdout, done.stderr
    run_uuid = done.stdout.strip()
    server = RunClient(*project.split("/"), run_uuid, client_of(host))
    assert server.get_statuses().status == status
    (series,) = server.get_events("metric", ["loss"])
    assert series.data["metric"] == [0.5]


def test_a_settled_run_can_go_on_and_end_otherwise(host, project):
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        run.settle("succeeded")
        run.log_metrics(loss=0.25, step=2)
        run.settle("failed", reason="ValueError", message="no")
    assert seen(host, run).get_statuses().status == "failed"
    assert points_on_server(host, run, "loss") == [(1, 0.5), (2, 0.25)]


@pytest.mark.parametrize("place", ["same directory", "empty directory", "stale copy"])
def test_a_resumed_run_has_all_its_points_wherever_it_goes_on(host, project, place, tmp_path):
    with axonlog.Run(project=project, **QUIET) as first:
        first.log_inputs(lr=0.1)
        for step in range(100):
            first.log_metrics(loss=1 / (step + 1), step=step)
            if step == 50:
                half_written = shutil.ignore_patterns("*.part")
                shutil.copytree(directory(first), tmp_path / "stale", ignore=half_written)
    elsewhere = {
        "same directory": None,
        "empty directory": str(tmp_path / "empty"),
        "stale copy": str(tmp_path / "stale"),
    }[place]
    resumed = {"project": project, "run_uuid": first.run_uuid, "artifacts_path": elsewhere}
    with axonlog.Run(**resumed, **QUIET) as second:
        second.log_metrics(loss=0.0, step=100)
        second.log_inputs(resumed=True)

    expected = [(step, 1 / (step + 1)) for step in range(100)] + [(100, 0.0)]
    assert points_on_server(host, first, "loss") == expected
    assert points_of(directory(second), "loss") == expected
    data = seen(host, first).get()
    assert data.inputs == {"lr": 0.1, "resumed": True}
    assert (data.status, data.outputs) == ("succeeded", {"loss": 0.0})
    (entry,) = [e for e in seen(host, first).get_lineage() if e.name == "loss"]
    assert entry.summary["metric"]["count"] == 101


def test_a_run_tracked_offline_can_be_brought_online(host, project):
    with axonlog.Run(project=project, is_offline=True, **QUIET) as offline:
        offline.log_metrics(loss=0.5, step=1)
    with axonlog.Run(project=project, run_uuid=offline.run_uuid, **QUIET):
        pass
    assert points_on_server(host, offline, "loss") == [(1, 0.5)]
    assert seen(host, offline).get_statuses().status == "succeeded"


def test_a_run_that_the_server_does_not_have_cannot_be_resumed(host, project):
    with axonlog.Run(project=project, **QUIET):
        pass
    missing = f"run {'1' * 32} .* is not in project {project} on http://127.*is_new=True"
    with pytest.raises(ContextError, match=missing) as caught:
        axonlog.Run(project=project, run_uuid="1" * 32)
    assert caught.value.status == 404
    assert len(list(Path.cwd().rglob("run.plx.json"))) == 1


@pytest.mark.parametrize(
    "trouble", [Reset(), Answer(500), Answer(503), Answer(405, b"", {"Content-Type": "text/html"})]
)
def test_a_server_that_fails_at_the_start_stops_nobody(
    fault_proxy, polyaxon_server, monkeypatch, project, trouble, caplog
):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    rule = fault_proxy.fault(trouble)
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        rule.remove()
    assert points_on_server(polyaxon_server.url, run, "loss") == [(1, 0.5)]
    assert seen(polyaxon_server.url, run).get_statuses().status == "succeeded"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert f"the server at {fault_proxy.url} (host from environment)" in told[0]
    assert "answers again" in told[1]


def test_a_server_that_never_answers_costs_a_few_seconds_and_no_data(
    fault_server, monkeypatch, project, caplog
):
    monkeypatch.setattr("axonlog.tracking._registration._REQUEST_TIMEOUT_S", 0.2)
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    fault_server.fault(Hang())
    run = axonlog.Run(project=project, **QUIET)
    run.log_metrics(loss=0.5, step=1)
    run.end(wait_s=0.2)
    assert points_of(directory(run), "loss") == [(1, 0.5)]
    told = [record.getMessage() for record in caplog.records]
    assert "delivery keeps trying" in told[0]
    assert "0 sent" in told[-1]
    assert f"`axonlog sync {run.run_uuid}`" in told[-1]


def test_strict_raises_when_the_server_is_away(monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", "http://127.0.0.1:9")
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:9"):
        axonlog.Run(project=project, strict=True)
    assert not list(Path.cwd().rglob("run.plx.json"))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_raise_and_leave_nothing(
    fault_server, monkeypatch, project, status, caplog
):
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "very-secret")
    fault_server.fault(Answer(status, b'{"detail": "no"}', {"Content-Type": "application/json"}))
    with pytest.raises(AuthenticationError) as caught:
        axonlog.Run(project=project)
    assert caught.value.status == status
    assert "very-secret" not in f"{caught.value!r} {caught.value} {caplog.text}"
    assert not list(Path.cwd().rglob("run.plx.json"))


def test_a_server_that_goes_away_in_mid_run_gets_everything_later(
    fault_proxy, polyaxon_server, monkeypatch, project, caplog
):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        fault_proxy.wait_for(is_upload)
        rule = fault_proxy.fault(Answer(500))
        before = len(fault_proxy.requests)
        run.log_metrics(loss=0.25, step=2)
        fault_proxy.wait_for(lambda request: True, count=before + 1)
        rule.remove()
    assert points_on_server(polyaxon_server.url, run, "loss") == [(1, 0.5), (2, 0.25)]
    assert seen(polyaxon_server.url, run).get_statuses().status == "succeeded"
