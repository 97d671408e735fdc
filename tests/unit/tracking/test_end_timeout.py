"""How long an end may take, and how it is cut short. Real processes, a server that hangs."""

import os
import signal
import subprocess
import sys

import pytest

import axonlog
from support.fault_server import FaultServer, Hang
from support.runs import only_run, points_of, statuses_of
from support.stub_polyaxon import StubPolyaxon
from support.waiting import until

SCRIPT = """
import sys
import axonlog
run = axonlog.init(project="acme/end", track_env=False, track_code=False)
axonlog.log_metrics(loss=0.5, step=1)
print("logged", flush=True)
sys.stdin.readline()
{ending}
"""


@pytest.fixture
def hanging():
    """A server that registers a run and is silent from then on."""
    with FaultServer(otherwise=StubPolyaxon()) as server:
        server.fault(Hang(), lambda request: not request.path.endswith("/runs/sync"))
        yield server


@pytest.fixture
def start(tmp_path, hanging, monkeypatch):
    started = []

    def start(ending, **variables):
        for name, value in {"POLYAXON_HOST": hanging.url, **variables}.items():
            monkeypatch.setenv(name, value)
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(ending=ending)],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "logged\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", ["", "run.end()", "run.log_failed()", "sys.exit(0)"])
def test_everything_hangs_and_the_end_does_not(start, tmp_path, ending):
    process = start(ending, AXONLOG_END_TIMEOUT="0.2")
    _, stderr = process.communicate("\n", timeout=30)
    assert process.returncode == 0
    run = only_run(tmp_path)
    (line,) = stderr.splitlines()
    assert f"`axonlog sync {run.name}`" in line
    assert "0 sent" in line
    assert points_of(run, "loss") == [(1, 0.5)]


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_timeout_that_makes_no_sense_is_told_and_left_out(monkeypatch, caplog, text):
    monkeypatch.setenv("AXONLOG_END_TIMEOUT", text)
    with axonlog.Run(project="a/b", is_offline=True, track_env=False, track_code=False):
        pass
    (record,) = caplog.records
    assert f"AXONLOG_END_TIMEOUT={text!r} is not a number of seconds" in record.getMessage()
    assert "waits 10 seconds" in record.getMessage()


def is_ended(run):
    return statuses_of(run)[-1] in ("succeeded", "stopped", "failed")


def interrupt_the_goodbye(process, cwd):
    """Press Ctrl-C when the process has entered its ending and waits for the server."""
    process.stdin.write("\n")
    process.stdin.flush()
    until(lambda: is_ended(only_run(cwd)))
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    return stderr


def test_ctrl_c_in_the_goodbye_of_a_finished_script_leaves_at_once(start, tmp_path):
    process = start("", AXONLOG_END_TIMEOUT="600")
    (line,) = interrupt_the_goodbye(process, tmp_path).splitlines()
    assert "axonlog sync" in line
    assert process.returncode == 0


def test_a_second_ctrl_c_leaves_at_once_and_shows_nothing_of_ours(start, tmp_path):
    process = start("import os, signal; os.kill(os.getpid(), signal.SIGINT)",
                    AXONLOG_END_TIMEOUT="600")  # fmt: skip
    stderr = interrupt_the_goodbye(process, tmp_path)
    assert stderr.count("Traceback") == 1
    assert "axonlog/" not in stderr.replace("axonlog_data", "")
    assert "axonlog sync" in stderr.splitlines()[-1]
    assert process.returncode == -signal.SIGINT
    assert statuses_of(only_run(tmp_path))[-1] == "stopped"


def test_a_second_ctrl_c_in_a_with_block_leaves_at_once(start, tmp_path):
    ending = """
with run:
    raise KeyboardInterrupt
"""
    process = start(ending, AXONLOG_END_TIMEOUT="600")
    stderr = interrupt_the_goodbye(process, tmp_path)
    assert stderr.count("Traceback") == 1
    assert "axonlog/" not in stderr.replace("axonlog_data", "")
    assert process.returncode == -signal.SIGINT


def test_ctrl_c_while_a_script_ends_its_run_stops_the_script(start, tmp_path):
    process = start("run.end(); print('went on')", AXONLOG_END_TIMEOUT="600")
    process.stdin.write("\n")
    process.stdin.flush()
    until(lambda: is_ended(only_run(tmp_path)))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert "went on" not in stdout
    assert "KeyboardInterrupt" in stderr
    assert process.returncode == -signal.SIGINT


def test_a_slow_git_does_not_keep_the_ending_from_the_server(tmp_path, monkeypatch, caplog):
    released = tmp_path / "released"
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    # Silent for as long as the run ends, and no longer.
    git.write_text(f"#!/bin/sh\nwhile [ ! -e {released} ]; do sleep 0.1; done\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}{os.pathsep}{os.environ['PATH']}")
    stub = StubPolyaxon()
    with FaultServer(otherwise=stub) as server:
        monkeypatch.setenv("POLYAXON_HOST", server.url)
        run = axonlog.Run(project="acme/end", track_env=False)
        run.log_metrics(loss=0.5, step=1)
        run.end(wait_s=4)
        released.touch()
    assert run.delivery.is_complete
    assert stub.run["status"] == "succeeded"
    assert stub.files.keys() == {"events/metric/loss.plx"}
    (said,) = [
        r.getMessage() for r in caplog.records if "not ready after 0.4 seconds" in r.getMessage()
    ]
    assert "ends without 1 of its notes" in said
