"""What the user sees of a delivery, and what it costs the line."""

import shutil
import socket
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.delivery import sync
from support.clients import client_of
from support.fault_server import Answer, Drip, FaultServer, Hang
from support.runs import lineage_of
from support.stub_polyaxon import StubPolyaxon
from support.waiting import until

QUIET = {"track_env": False, "track_code": False}


@pytest.fixture
def project():
    return f"acme/p-{uuid.uuid4().hex}"


def directory(run):
    return Path(run.context.artifacts_path.value)


class CutUpload:
    """The real server gets half of the body, and then the line breaks."""

    def __init__(self, upstream):
        self._address = urlsplit(upstream)

    def __call__(self, exchange):
        body = exchange.request.body
        names = ("content-type", "content-length")
        head = "".join(f"{name}: {exchange.request.headers[name]}\r\n" for name in names)
        with socket.create_connection((self._address.hostname, self._address.port)) as line:
            line.sendall(
                f"POST {exchange.request.target} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode()
            )
            line.sendall(body[: len(body) // 2])
        exchange.drop(reset=True)


def is_upload(request):
    return request.method == "POST" and request.path.startswith("/streams/")


def test_the_counts_follow_the_delivery(fault_proxy, monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    released = threading.Event()
    fault_proxy.fault(Hang(released), is_upload, times=1)
    run = axonlog.Run(project=project, **QUIET)
    run.log_metrics(loss=0.5, step=1)
    fault_proxy.wait_for(is_upload)
    assert run.delivery.state == "sending"
    released.set()
    run.end()
    report = run.delivery
    assert (report.state, report.pending, report.failed, report.failure) == (
        "delivered", 0, 0, None,
    )  # fmt: skip
    # The metric's file and its entry, two conditions, outputs and meta information.
    assert report.sent == 6
    assert report.bytes_sent >= (directory(run) / "events/metric/loss.plx").stat().st_size
    with pytest.raises(AttributeError):
        report.sent = 0


@pytest.mark.parametrize("kind", [{"is_offline": True}, {"no_op": True}])
def test_where_nothing_is_delivered_there_is_nothing_to_count(project, kind):
    with axonlog.Run(project=project, **kind, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        assert run.delivery is None
    assert run.delivery is None


def test_the_goodbye_says_what_is_missing_and_what_sends_it(
    fault_proxy, monkeypatch, project, caplog
):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    run = axonlog.Run(project=project, **QUIET)
    run.log_metrics(loss=0.5, step=1)
    until(lambda: (directory(run) / "lineages.plx.json").exists())
    until(lambda: run.delivery.state == "delivered")
    fault_proxy.fault(Answer(500), path="^/streams/")
    (directory(run) / "outputs" / "notes.txt").write_text("x" * 1000)
    run.end(wait_s=0.5)
    report = run.delivery
    assert (report.state, report.pending, report.pending_bytes) == ("incomplete", 2, 1000)
    assert "500" in report.failure
    goodbye = caplog.records[-1].getMessage()
    assert f"{report.sent} sent, 2 pending (1000 bytes), 0 failed" in goodbye
    assert f"`axonlog sync {run.run_uuid}`" in goodbye
    assert str(directory(run)) in goodbye


def test_after_the_goodbye_delivery_goes_on_without_a_word(monkeypatch, project, caplog):
    with FaultServer(otherwise=StubPolyaxon()) as server:
        monkeypatch.setenv("POLYAXON_HOST", server.url)
        run = axonlog.Run(project=project, **QUIET)
        run.log_metrics(loss=0.5, step=1)
        failing = server.fault(Answer(500))
        run.end(wait_s=0)
        assert "`axonlog sync" in caplog.records[-1].getMessage()
        told = len(caplog.records)
        server.wait_for(lambda request: True, count=len(server.requests) + 3, timeout_s=30)
        failing.remove()
        server.wait_for(is_upload, timeout_s=60)
    assert len(caplog.records) == told


def test_a_fresh_point_is_on_the_server_within_five_seconds(fault_proxy, monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    with axonlog.Run(project=project, **QUIET) as run:
        for step in range(3):
            run.log_metrics(loss=0.5, step=step)
            row = f"\n{step}|".encode()
            fault_proxy.wait_for(lambda r, row=row: is_upload(r) and row in r.received, timeout_s=5)


def test_the_bytes_of_a_growing_run_stay_below_four_times_its_size(monkeypatch, project):
    stub = StubPolyaxon()
    with FaultServer(otherwise=stub) as server:
        monkeypatch.setenv("POLYAXON_HOST", server.url)
        with axonlog.Run(project=project, **QUIET) as run:
            for part in range(5):
                uploads = sum(map(is_upload, server.requests))
                for step in range(2_000 * part, 2_000 * (part + 1)):
                    run.log_metrics(loss=step / 7, acc=step / 9, step=step)
                if part in (0, 1):
                    server.wait_for(is_upload, count=uploads + 1)
        bodies = sum(request.body_size for request in server.requests)
    size = sum(path.stat().st_size for path in directory(run).rglob("*.plx"))
    assert stub.file_bytes < 4 * size
    assert bodies < 4 * size


def test_outputs_that_change_all_the_time_are_not_sent_all_the_time(monkeypatch, project):
    stub = StubPolyaxon()
    with FaultServer(otherwise=stub) as server:
        monkeypatch.setenv("POLYAXON_HOST", server.url)
        with axonlog.Run(project=project, **QUIET) as run:
            for step in range(200):
                run.log_metrics(loss=step / 7, step=step)
                run.log_outputs(best=step)
                run.log_progress(step / 200)
        updates = [request for request in server.requests if request.method == "PATCH"]
    assert 1 <= len(updates) <= 5
    assert stub.run["outputs"] == {"best": 199, "loss": 199 / 7}


def test_an_answer_that_drips_does_not_keep_the_training_from_starting(
    fault_proxy, monkeypatch, project, caplog
):
    monkeypatch.setattr("axonlog.tracking._registration._TOTAL_TIMEOUT_S", 0.5)
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    rule = fault_proxy.fault(Drip(bytes_per_s=20))
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_metrics(loss=0.5, step=1)
        rule.remove()
    assert "no answer within 0.5 seconds" in caplog.records[0].getMessage()
    assert run.delivery.state == "delivered"


def test_a_kind_of_the_users_own_does_not_stop_the_lineage(
    polyaxon_server, monkeypatch, project, tmp_path
):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    (tmp_path / "weights").write_bytes(b"1")
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_artifact(tmp_path / "weights", kind="lora")
        run.log_metrics(loss=0.5, step=1)
    assert (run.delivery.state, run.delivery.failed) == ("delivered", 0)
    client = RunClient(run.owner, run.project, run.run_uuid, client_of(polyaxon_server.url))
    entries = {entry.name: entry for entry in client.get_lineage()}
    assert entries.keys() == {"weights", "loss"}
    assert (entries["weights"].kind, entries["weights"].summary["kind"]) == ("artifact", "lora")
    assert lineage_of(directory(run))["weights"]["kind"] == "lora"


def test_files_of_any_name_arrive(polyaxon_server, monkeypatch, project, tmp_path):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    saved = tmp_path / "saved"
    (saved / ".axonlog").mkdir(parents=True)
    names = [".axonlog/notes", ".state.tmp", "\u65e5\u672c" * 40 + ".t"]
    for name in names:
        (saved / name).write_text(name)
    with axonlog.Run(project=project, **QUIET) as run:
        run.log_artifact(saved)
        run.log_artifact(saved / names[2])
    there = polyaxon_server.store / run.run_uuid / "outputs"
    assert [(there / "saved" / name).read_text() for name in names] == names
    assert (there / names[2]).read_text() == names[2]


def test_when_everything_hangs_the_goodbye_says_so(fault_proxy, monkeypatch, project, caplog):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    run = axonlog.Run(project=project, **QUIET)
    until(lambda: run.delivery.state == "delivered")
    released = threading.Event()
    fault_proxy.fault(Hang(released))
    run.log_metrics(loss=0.5, step=1)
    run.end(wait_s=1.5)
    released.set()
    assert "still waiting for the server after" in caplog.records[-1].getMessage()


def test_two_deliveries_of_one_directory_at_once_do_no_harm(polyaxon_server, monkeypatch, project):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    with axonlog.Run(project=project, **QUIET) as run:
        client = RunClient(run.owner, run.project, run.run_uuid, client_of(polyaxon_server.url))
        for step in range(500):
            run.log_metrics(loss=step / 7, step=step)
            if step % 100 == 0:
                sync(directory(run), client)
    (series,) = client.get_events("metric", ["loss"])
    assert series.data["step"] == [*range(500)]
    assert client.get().status == "succeeded"


def test_a_run_tracked_offline_elsewhere_is_delivered_from_a_copy(
    polyaxon_server, project, tmp_path
):
    (tmp_path / "saved").mkdir()
    for name in "abcdef":
        (tmp_path / "saved" / name).write_text(name * 100)
    with axonlog.Run(project=project, is_offline=True, **QUIET) as run:
        for step in range(100):
            run.log_metrics({f"m{i}": step for i in range(8)}, step=step)
        run.log_artifact(tmp_path / "saved")
    copy = tmp_path / "copy" / run.run_uuid
    shutil.copytree(directory(run), copy)
    shutil.rmtree(directory(run))
    owner, name = project.split("/")
    client = RunClient(owner, name, run.run_uuid, client_of(polyaxon_server.url))
    report = sync(copy, client)
    assert (report.state, report.failed) == ("delivered", 0)
    there = polyaxon_server.store / run.run_uuid
    assert {path.name: path.read_text() for path in (there / "outputs" / "saved").iterdir()} == {
        name: name * 100 for name in "abcdef"
    }
    assert len(list((there / "events" / "metric").iterdir())) == 8
    again = sync(copy, client)
    assert (again.sent, again.bytes_sent, again.state) == (0, 0, "delivered")


def test_thousands_of_names_are_delivered_in_some_ten_requests(fault_proxy, project):
    names = [f"m{i}" for i in range(1200)]
    with axonlog.Run(project=project, is_offline=True, **QUIET) as run:
        run.log_metrics(dict.fromkeys(names, 0.5), step=0)
    client = RunClient(run.owner, run.project, run.run_uuid, client_of(fault_proxy.url))
    assert sync(directory(run), client).is_complete
    assert len(fault_proxy.requests) < 20
    assert {entry.name for entry in client.get_lineage()} == set(names)
    assert len(client.get_tree("events/metric").files) == len(names)


@pytest.fixture
def many(fault_proxy, project):
    """A run with 100 metrics on the server, and with more of them and longer ones here."""
    run = axonlog.Run(project=project, is_offline=True, **QUIET)
    run.log_metrics({f"m{i}": 0.5 for i in range(100)}, step=0)
    run.end()
    client = RunClient(run.owner, run.project, run.run_uuid, client_of(fault_proxy.url))
    assert sync(directory(run), client).is_complete
    with axonlog.Run(run_uuid=run.run_uuid, project=project, is_offline=True, **QUIET) as run:
        run.log_metrics({f"m{i}": 1.5 for i in range(50, 300)}, step=1)
    return directory(run), client


def metric_files(path):
    return {file.name: file.read_bytes() for file in (path / "events/metric").iterdir()}


def test_many_files_of_a_folder_that_the_server_has_go_in_one_request(
    fault_proxy, polyaxon_server, many
):
    path, client = many
    before = len(fault_proxy.requests)
    assert sync(path, client).is_complete
    uploads = [request for request in fault_proxy.requests[before:] if is_upload(request)]
    assert [request.path.rpartition("/")[2] for request in uploads] == ["artifacts"]
    assert metric_files(polyaxon_server.store / client.run_uuid) == metric_files(path)


def test_a_folder_with_something_that_is_not_here_is_never_replaced(
    fault_proxy, polyaxon_server, many, tmp_path
):
    path, client = many
    (tmp_path / "other.plx").write_text("step|timestamp|metric\n0|2026-01-01 00:00:00+00:00|1.0")
    client.upload_file(tmp_path / "other.plx", to_dir="events/metric")
    assert sync(path, client).is_complete
    there = metric_files(polyaxon_server.store / client.run_uuid)
    assert there.pop("other.plx") == (tmp_path / "other.plx").read_bytes()
    assert there == metric_files(path)


def test_an_archive_that_breaks_off_takes_nothing_from_the_server(
    fault_proxy, polyaxon_server, many
):
    path, client = many
    there = polyaxon_server.store / client.run_uuid
    before = metric_files(there)
    fault_proxy.fault(CutUpload(polyaxon_server.url), is_upload)
    assert not sync(path, client, wait_s=0).is_complete
    assert metric_files(there) == before


def test_a_server_that_dies_between_deleting_and_unpacking_gets_everything_again(
    fault_proxy, polyaxon_server, many
):
    path, client = many
    there = polyaxon_server.store / client.run_uuid

    def lose_the_folder(exchange):
        exchange.request.read_body()
        shutil.rmtree(there / "events/metric")
        exchange.drop(reset=True)

    fault_proxy.fault(lose_the_folder, is_upload, times=1)
    assert sync(path, client).is_complete
    assert metric_files(there) == metric_files(path)


def test_a_store_that_was_lost_in_mid_run_has_everything_before_the_run_succeeds(
    fault_proxy, polyaxon_server, monkeypatch, project
):
    monkeypatch.setenv("POLYAXON_HOST", fault_proxy.url)
    run = axonlog.Run(project=project, **QUIET)
    (directory(run) / "outputs" / "weights.bin").write_bytes(b"w" * 1000)
    run.log_metrics(loss=0.5, step=0)
    there = polyaxon_server.store / run.run_uuid
    until(lambda: (there / "outputs/weights.bin").exists() and not run.delivery.pending)
    shutil.rmtree(there)
    run.end()
    assert run.delivery.is_complete
    assert (there / "outputs/weights.bin").read_bytes() == b"w" * 1000
    assert metric_files(there) == metric_files(directory(run))
    writes = [(r.method, r.path.rpartition("/")[2]) for r in fault_proxy.requests
              if r.method == "POST"]  # fmt: skip
    assert writes[-1] == ("POST", "statuses")
