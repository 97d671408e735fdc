"""A directory is brought to a server that only the test knows how healthy it is."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.delivery import delivery_lock, sync
from axonlog.errors import CacheError, RefusedError
from axonlog.store import RunDirectory
from support.clients import client_of
from support.fault_server import Answer, Hang, LoseAnswer, Reset

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def tracked(tmp_path):
    """The directory of a run that was tracked offline."""
    (tmp_path / "model.bin").write_bytes(bytes(range(256)) * 400)
    with axonlog.Run(
        project="acme/digits", is_offline=True, track_env=False, track_code=False
    ) as run:
        run.log_inputs(lr=0.1)
        for step in range(50):
            run.log_metrics({f"m{i}": step / (i + 1) for i in range(6)}, step=step)
        run.log_model(tmp_path / "model.bin")
    return Path(run.context.artifacts_path.value)


def client(server, directory):
    return RunClient("acme", "digits", directory.name, client_of(server.url))


def files_of(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and ".axonlog" not in path.parts and not path.name.endswith(".plx.json")
    }


def writes(server, since=0):
    return [request for request in server.requests[since:] if request.method != "GET"]


def test_everything_arrives_and_is_counted(server, stub, tracked):
    report = sync(tracked, client(server, tracked))
    assert stub.contents == files_of(tracked)
    assert stub.run["inputs"] == {"lr": 0.1}
    assert [condition["type"] for condition in stub.conditions] == ["running", "succeeded"]
    assert set(stub.lineage) == {"model", *(f"m{i}" for i in range(6))}
    # Seven files, two conditions, inputs, outputs and meta information, seven entries.
    assert (report.sent, report.pending, report.failed) == (7 + 2 + 3 + 7, 0, 0)
    assert (report.state, report.failure, report.is_complete) == ("delivered", None, True)
    assert report.bytes_sent == stub.file_bytes


def test_many_small_files_go_in_one_request(server, tracked):
    sync(tracked, client(server, tracked))
    uploads = [request for request in writes(server) if "/streams/" in request.path]
    assert [request.path.rpartition("/")[2] for request in uploads] == ["artifacts", "artifact"]


def test_a_second_time_changes_nothing(server, tracked):
    sync(tracked, client(server, tracked))
    before = len(server.requests)
    report = sync(tracked, client(server, tracked))
    assert writes(server, before) == []
    assert (report.sent, report.pending, report.state) == (0, 0, "delivered")


@pytest.mark.parametrize("lost", ["the ledger", "all our notes", "nothing, but all times"])
def test_a_copy_elsewhere_sends_nothing_that_the_server_has(server, tracked, tmp_path, lost):
    sync(tracked, client(server, tracked))
    copy = tmp_path / "elsewhere" / tracked.name
    shutil.copytree(tracked, copy, copy_function=shutil.copyfile)
    if lost == "the ledger":
        (copy / ".axonlog" / "delivery.json").unlink()
    elif lost == "all our notes":
        shutil.rmtree(copy / ".axonlog")
    before = len(server.requests)
    assert sync(copy, client(server, copy)).is_complete
    registrations = [request.path.endswith("/runs/sync") for request in writes(server, before)]
    assert registrations == ([] if lost.startswith("nothing") else [True])


def test_what_the_server_has_in_another_state_is_sent_again(server, stub, tracked):
    sync(tracked, client(server, tracked))
    shutil.rmtree(tracked / ".axonlog")
    wrong = bytes(len(stub.contents["outputs/model.bin"]))
    stub.contents["outputs/model.bin"] = wrong
    del stub.contents["events/metric/m1.plx"], stub.files["events/metric/m1.plx"]
    assert sync(tracked, client(server, tracked)).is_complete
    assert stub.contents == files_of(tracked)


def test_an_interrupted_one_goes_on_where_it_was(server, stub, tracked):
    rule = server.fault(Reset(after_bytes=1000), path="/artifact$")
    report = sync(tracked, client(server, tracked), wait_s=0)
    assert (report.state, report.pending_bytes) == ("incomplete", 256 * 400)
    assert "broke" in report.failure
    rule.remove()
    before = stub.file_bytes
    assert sync(tracked, client(server, tracked)).is_complete
    assert stub.file_bytes - before == 256 * 400
    assert stub.contents == files_of(tracked)


def test_a_server_that_is_away_is_waited_for_as_long_as_was_said(tracked):
    report = sync(tracked, RunClient("a", "b", tracked.name, client_of("http://127.0.0.1:9")),
                  wait_s=0.1)  # fmt: skip
    assert report.state == "incomplete"
    assert "connection refused" in report.failure
    assert report.pending > 0


def test_a_short_failure_is_overcome(server, stub, tracked):
    server.fault(Answer(500), times=1)
    server.fault(LoseAnswer(), path="/artifacts$", times=0)
    assert sync(tracked, client(server, tracked)).is_complete


@pytest.mark.parametrize(
    ("path", "part"),
    [("/artifact$", b"model.bin"), ("/lineage/artifacts$", b'"model"'), ("runs/[0-9a-f]*$", b"lr")],
    ids=["file", "lineage entry", "field"],
)
def test_one_thing_that_is_refused_does_not_hold_up_the_others(
    server, stub, tracked, caplog, path, part
):
    refusal = Answer(400, b'{"detail": "not this one"}', JSON)
    rule = server.fault(refusal, lambda request: part in request.body, path=path, method=None)
    report = sync(tracked, client(server, tracked))
    assert (report.failed, report.pending, report.is_complete) == (1, 0, False)
    assert stub.conditions[-1]["type"] == "succeeded"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "not this one" in told[0]
    rule.remove()
    assert sync(tracked, client(server, tracked)).is_complete
    assert stub.contents == files_of(tracked)
    assert "model" in stub.lineage
    assert stub.run["inputs"] == {"lr": 0.1}


def test_a_file_name_that_the_server_would_change_is_told_once(server, tracked, caplog):
    (tracked / "outputs" / "a&amp;b").write_text("1")
    report = sync(tracked, client(server, tracked))
    assert (report.failed, report.pending) == (1, 0)
    assert "rename the file" in caplog.text


def test_refused_credentials_are_the_callers_to_mend(server, tracked):
    server.fault(Answer(401, b'{"detail": "no"}', JSON))
    with pytest.raises(RefusedError):
        sync(tracked, client(server, tracked))


def test_what_is_no_run_is_refused(server, tmp_path):
    (tmp_path / "run.plx.json").write_text("[]")
    with pytest.raises(CacheError, match="not a run document"):
        sync(tmp_path, client(server, tmp_path / ("1" * 32)))
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing", client(server, tmp_path / ("1" * 32)))


def test_a_server_that_takes_everything_and_keeps_nothing_is_found_out(server, stub, tracked):
    rule = server.fault(Answer(200, b""), method="POST", path="/artifacts?$", times=3)
    assert sync(tracked, client(server, tracked)).is_complete
    assert rule.hits == 3
    assert stub.contents == files_of(tracked)


def test_a_status_and_a_lineage_that_got_lost_behind_a_good_answer_are_told_again(
    server, stub, tracked
):
    server.fault(Answer(201, b"{}"), method="POST", path="/lineage/artifacts$", times=1)
    ending = server.fault(Answer(201, b"{}"), lambda r: b"succeeded" in r.body, path="/statuses$",
                          times=1)  # fmt: skip
    assert sync(tracked, client(server, tracked)).is_complete
    assert ending.hits == 1
    assert stub.conditions[-1]["type"] == "succeeded"
    assert "model" in stub.lineage


def test_a_server_that_has_forgotten_the_run_is_told_of_it_again(server, stub, tracked):
    sync(tracked, client(server, tracked))
    with axonlog.Run(
        project="acme/digits",
        run_uuid=tracked.name,
        is_offline=True,
        track_env=False,
        track_code=False,
    ) as again:
        again.log_inputs(more=1)
    stub.run, stub.conditions, stub.lineage = {}, [], {}
    stub.files, stub.contents = {}, {}
    missing = Answer(404, b'{"detail": "No Run matches the given query."}', JSON)
    rule = server.fault(missing, lambda request: not stub.run, path=f"runs/{tracked.name}")
    assert sync(tracked, client(server, tracked)).is_complete
    assert rule.hits
    assert stub.contents == files_of(tracked)
    assert stub.run["inputs"] == {"lr": 0.1, "more": 1}


def test_two_at_once_send_everything_once(server, stub, tracked):
    reports = []
    threads = [
        threading.Thread(target=lambda: reports.append(sync(tracked, client(server, tracked))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.is_complete for report in reports] == [True, True]
    assert sorted(report.sent for report in reports) == [0, 19]


def test_a_directory_that_another_process_delivers_is_left_to_it(server, tracked):
    with delivery_lock(RunDirectory(tracked)).held():
        report = sync(tracked, client(server, tracked), wait_s=0)
    assert (report.state, report.failure) == ("incomplete", "another process has it")
    assert server.requests == ()


def test_a_file_that_changes_while_it_is_sent_is_sent_again(server, stub, tracked):
    model = tracked / "outputs" / "model.bin"

    def change_it(exchange):
        exchange.request.read_body()
        model.write_bytes(b"newer")
        stub(exchange)

    server.fault(change_it, lambda request: b"model.bin" in request.body, path="/artifact$",
                 times=1)  # fmt: skip
    assert sync(tracked, client(server, tracked)).is_complete
    assert stub.contents["outputs/model.bin"] == b"newer"


def test_progress_is_told_in_counts_that_end_with_the_result(server, tracked):
    told = []
    report = sync(tracked, client(server, tracked), on_progress=told.append)
    assert told[-1] == report
    sizes = [step.bytes_sent for step in told]
    assert sizes == sorted(sizes)


def test_rows_that_the_server_has_from_elsewhere_stay_there(server, stub, tracked):
    sync(tracked, client(server, tracked))
    path = "events/metric/m0.plx"
    here = (tracked / path).read_bytes()
    foreign = b"\n99|2030-01-01 00:00:00.000000+00:00|9.0"
    stub.contents[path] = here + foreign
    stub.files[path] += len(foreign)
    own = b"\n50|2029-01-01 00:00:00.000000+00:00|5.0"
    (tracked / path).write_bytes(here + own)
    for _ in range(2):
        assert sync(tracked, client(server, tracked)).is_complete
        assert stub.contents[path] == here + foreign + own
    assert (tracked / path).read_bytes() == here + own


def test_the_name_of_a_file_may_be_any_that_the_server_keeps(server, stub, tracked):
    names = ["ü 100%.txt", 'a"b', "#?&=+", "-" * 200]
    for name in names:
        (tracked / "outputs" / name).write_text(name)
    assert sync(tracked, client(server, tracked)).is_complete
    assert {stub.contents[f"outputs/{name}"].decode() for name in names} == set(names)


@pytest.mark.parametrize("lost", ["files", "status", "fields", "lineage", "everything"])
def test_what_the_server_has_lost_since_is_sent_again(server, stub, tracked, lost):
    sync(tracked, client(server, tracked))
    kept = (dict(stub.contents), stub.run["status"], stub.run["inputs"], set(stub.lineage))
    if lost in ("files", "everything"):
        stub.files.clear()
        stub.contents.clear()
    if lost in ("status", "everything"):
        stub.conditions.clear()
        stub.run["status"] = "created"
    if lost in ("fields", "everything"):
        del stub.run["inputs"], stub.run["outputs"]
    if lost in ("lineage", "everything"):
        stub.lineage.clear()
    report = sync(tracked, client(server, tracked))
    assert report.is_complete
    assert (
        dict(stub.contents), stub.run["status"], stub.run["inputs"], set(stub.lineage)
    ) == kept  # fmt: skip


def test_what_somebody_changed_on_the_server_stays(server, stub, tracked):
    sync(tracked, client(server, tracked))
    stub.run["inputs"] = {"lr": 0.2, "theirs": 1}
    assert sync(tracked, client(server, tracked)).sent == 0
    assert stub.run["inputs"] == {"lr": 0.2, "theirs": 1}


KILLED = """
import sys
from pathlib import Path
from axonlog.delivery import sync
from axonlog.client import RunClient
from support.clients import client_of
path = Path(sys.argv[1])
sync(path, RunClient("acme", "digits", path.name, client_of(sys.argv[2])))
"""


def test_what_a_killed_delivery_left_is_cleared_by_the_next(server, stub, tracked):
    sync(tracked, client(server, tracked))
    (tracked / ".axonlog" / "delivery.json").unlink()
    fetching = server.fault(Hang(), method="GET", path="/artifact$")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tracked), server.url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    server.wait_for(lambda request: request.path.endswith("/artifact") and request.method == "GET")
    process.kill()
    process.wait()
    notes = {"delivery.json", "delivery.lock"}
    left = {path.name for path in (tracked / ".axonlog").iterdir()} - notes
    assert left
    fetching.remove()
    assert sync(tracked, client(server, tracked)).is_complete
    assert {path.name for path in (tracked / ".axonlog").iterdir()} == notes
