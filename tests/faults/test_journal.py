"""What a run must survive: every case is a real process, a real disk, a real signal."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.runs import document_of, only_run, points_of, statuses_of
from support.scripts import run_code

START = """
import os, signal, sys, threading, time
import axonlog
run = axonlog.init(project="acme/faults", is_offline=True, track_env=False, track_code=False)
"""


def script(text):
    return START + textwrap.dedent(text)


def test_os_exit_loses_nothing(tmp_path):
    text = "for step in range(5000): axonlog.log_metrics(step=step, loss=step / 3)\nos._exit(5)"
    assert run_code(script(text), tmp_path).returncode == 5
    assert points_of(only_run(tmp_path), "loss") == [(step, step / 3) for step in range(5000)]
    assert statuses_of(only_run(tmp_path)) == ["created", "running", "failed"]


def test_sigterm_at_any_moment_ends_the_run_or_leaves_it_to_be_repaired(tmp_path):
    text = """
    run._recorder._flusher._interval_s = 0.002
    step = 0
    while True:
        if step == 1:
            print("ready", flush=True)
        axonlog.log_metrics({"loss": step / 3, "acc": 0.5}, step=step)
        if step % 50 == 0:
            axonlog.log_metrics({f"rare_{step}": 1.0}, step=step)
            run.log_outputs(step=step)
            run.settle("succeeded")
        step += 1
    """
    for number in range(12):
        cwd = tmp_path / str(number)
        cwd.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-c", script(text)], cwd=cwd, stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout.readline() == "ready\n"
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(60) == -signal.SIGTERM
        run = only_run(cwd)
        losses = points_of(run, "loss")
        assert losses == [(step, step / 3) for step in range(len(losses))]
        assert not (run / ".axonlog").exists()
        assert document_of(run)["status"] in ("stopped", "succeeded", "failed")


FILL_AND_FREE = """
import logging
logging.basicConfig(format="%(message)s")
{fill}
step = lost = 0
def log(calls):
    global step
    for _ in range(calls):
        axonlog.log_metrics(step=step, loss=step / 3)
        step += 1
log(100_000)
full = step
{free}
deadline = time.monotonic() + 30
while run._recorder._lost_records == lost:   # logging resumes when there is room
    lost = run._recorder._lost_records
    log(1)
    if run._recorder.store.journal._failure is None:
        break
    assert time.monotonic() < deadline
    time.sleep(0.05)
while run._recorder.store.journal._failure is not None:
    log(1)
    assert time.monotonic() < deadline
    time.sleep(0.05)
log(1000)
print(step, run._recorder._lost_records)
"""


def kept_and_told(done, run):
    step, lost = map(int, done.stdout.split())
    losses = points_of(run, "loss")
    assert 0 < lost < step
    assert len(losses) == step - lost
    steps = [point[0] for point in losses]
    assert steps == sorted(set(steps))
    assert losses == [(number, number / 3) for number in steps]
    assert steps[-1000:] == list(range(step - 1000, step))
    lines = done.stderr.splitlines()
    assert sum("training goes on without" in line for line in lines) == 1
    assert sum(f"{lost} records were lost to the disk" in line for line in lines) == 1
    assert document_of(run)["status"] == "succeeded"


def test_a_full_disk_costs_what_finds_no_room_and_says_how_much(tmp_path, small_disk):
    if small_disk is None:
        pytest.fail("cannot mount a small disk here: run the tests as root")
    fill = "ballast = open('ballast', 'wb', buffering=0)\nballast.write(bytes(2_500_000))"
    free = "ballast.truncate(0)"
    done = run_code(START + FILL_AND_FREE.format(fill=fill, free=free), small_disk)
    assert done.returncode == 0, done.stderr
    kept_and_told(done, only_run(small_disk))


def test_a_quota_costs_what_finds_no_room_and_says_how_much(tmp_path):
    # No file may grow over 50 KB: the first segment is there, the next one finds no room.
    fill = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (50_000, -1))"
    free = "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))"
    done = run_code(START + FILL_AND_FREE.format(fill=fill, free=free), tmp_path)
    assert done.returncode == 0, done.stderr
    kept_and_told(done, only_run(tmp_path))


def test_strict_raises_what_would_be_a_warning(tmp_path):
    text = """
    import resource
    import axonlog
    run = axonlog.Run(
        project="acme/faults", is_offline=True, strict=True, track_env=False, track_code=False
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, -1))
    try:
        for step in range(100_000):
            run.log_metrics(step=step, loss=0.5)
    except OSError as error:
        print("raised", error.strerror)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    run.end()
    """
    done = run_code(text, tmp_path)
    assert done.stdout == "raised File too large\n", done.stderr


def test_what_cannot_be_brought_over_at_the_end_waits_in_the_journal(tmp_path):
    text = """
    run._recorder._flusher.stop()
    import logging, resource
    logging.basicConfig(format="%(message)s")
    for step in range(20_000):
        axonlog.log_metrics(step=step, loss=step / 3)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, -1))
    axonlog.end()
    """
    done = run_code(script(text), tmp_path)
    assert done.returncode == 0
    assert "nothing of it is lost" in done.stderr
    run = only_run(tmp_path)
    assert document_of(run)["status"] == "succeeded"
    assert points_of(run, "loss") == [(step, step / 3) for step in range(20_000)]
    assert document_of(run)["status"] == "succeeded"
    assert not (run / ".axonlog").exists()


@pytest.mark.parametrize("destroy", ["shutil.rmtree(path)", "os.rename(path, path + '-moved')"])
def test_a_directory_that_goes_away_stops_no_training(tmp_path, destroy):
    text = f"""
    import shutil
    run._recorder._flusher._interval_s = 0.01
    path = run.get_artifacts_path()
    def log(calls):
        for step in range(calls):
            axonlog.log_metrics(step=step, loss=0.5)
            axonlog.log_inputs(step=step) if step % 20_000 == 0 else None
    log(1000)
    {destroy}
    log(100_000)
    axonlog.end()
    print("trained")
    """
    done = run_code(script(text), tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_that_nobody_may_write_to_any_more_stops_no_training(tmp_path):
    if os.getuid() == 0:
        drop = "os.setgid(65534); os.setuid(65534)"
    else:
        drop = "for folder, _, _ in os.walk(path): os.chmod(folder, 0o500)"
    text = f"""
    path = run.get_artifacts_path()
    axonlog.log_metrics(step=0, loss=0.5)
    {drop}
    for step in range(1, 100_000):
        axonlog.log_metrics(step=step, loss=0.5)
    axonlog.end()
    print("trained")
    """
    done = run_code(script(text), tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    for folder, _, _ in os.walk(tmp_path):
        Path(folder).chmod(0o700)
    steps = [step for step, _ in points_of(only_run(tmp_path), "loss")]
    assert steps[:5000] == list(range(5000))


def test_forked_data_loader_workers_write_nothing_and_do_not_hang(tmp_path):
    text = """
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Data(Dataset):
        def __len__(self):
            return 64
        def __getitem__(self, index):
            axonlog.log_metrics(of_worker=index, step=index)
            run.log_metric("of_worker", index)
            return torch.tensor(float(index))

    def log():
        while not done:
            axonlog.log_metrics(beside=torch.tensor(1.0))
    done = []
    threads = [threading.Thread(target=log) for _ in range(3)]
    for thread in threads:
        thread.start()   # one of them may hold a lock when the workers are forked
    step = 0
    for _ in range(5):
        loader = DataLoader(Data(), batch_size=4, num_workers=2, multiprocessing_context="fork")
        for batch in loader:
            axonlog.log_metrics(step=step, loss=batch.sum().item())
            step += 1
    done.append(1)
    for thread in threads:
        thread.join()
    print(step)
    """
    done = run_code(script(text), tmp_path)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert [step for step, _ in points_of(run, "loss")] == list(range(int(done.stdout)))
    assert sorted(file.stem for file in run.glob("events/metric/*")) == ["beside", "loss"]
    assert statuses_of(run) == ["created", "running", "succeeded"]


def test_eight_threads_and_a_background_lose_nothing(tmp_path):
    text = """
    run._recorder._flusher._interval_s = 0.005
    def log(number):
        for step in range(10_000):
            axonlog.log_metrics({f"t{number}": step / 3, "all": 1.0}, step=step)
    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    """
    done = run_code(script(text), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    run = only_run(tmp_path)
    for number in range(8):
        assert points_of(run, f"t{number}") == [(step, step / 3) for step in range(10_000)]
    assert len(points_of(run, "all")) == 80_000


@pytest.mark.parametrize(
    "ending",
    [
        "atexit.register(lambda: None)",
        "sys.modules.clear()",
        "del axonlog, run",
        "threading.Thread(target=lambda: [time.sleep(0.2), keep(9)]).start()",
        "weakref.finalize(run, print, 'gone')",
        "import gc; gc.disable(); cycle = [run]; cycle.append(cycle); del run",
    ],
)
def test_the_interpreter_may_shut_down_in_any_order(tmp_path, ending):
    text = f"""
    import atexit, weakref
    keep = lambda step, log=axonlog.log_metrics: log(step=step, loss=step / 3)
    for step in range(5):
        keep(step)
    {ending}
    """
    done = run_code(script(text), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    losses = points_of(only_run(tmp_path), "loss")
    assert losses[:5] == [(step, step / 3) for step in range(5)]


def test_a_clock_that_jumps_changes_times_and_no_order(tmp_path):
    text = """
    from axonlog.store.journal import _journal
    jumps = iter([1.8e9, 1.0e9, 1.9e9 + 0.25, 0.0, 1.8e9])
    _journal._clock = lambda: next(jumps)
    for step in range(5):
        axonlog.log_metrics(step=step, loss=step / 3)
    """
    done = run_code(script(text), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    run = only_run(tmp_path)
    assert points_of(run, "loss") == [(step, step / 3) for step in range(5)]
    rows = (run / "events/metric/loss.plx").read_text().split("\n")[1:]
    assert [row.split("|")[1] for row in rows] == [
        "2027-01-15 08:00:00.000000+00:00",
        "2001-09-09 01:46:40.000000+00:00",
        "2030-03-17 17:46:40.250000+00:00",
        "1970-01-01 00:00:00.000000+00:00",
        "2027-01-15 08:00:00.000000+00:00",
    ]


def test_a_run_that_was_killed_is_repaired_by_the_next_init_in_that_root(tmp_path):
    text = "axonlog.log_metrics(step=1, loss=0.5)\nos.kill(os.getpid(), signal.SIGKILL)"
    assert run_code(script(text), tmp_path).returncode == -signal.SIGKILL
    lost = only_run(tmp_path)
    text = """
    deadline = time.monotonic() + 30
    for thread in threading.enumerate():
        if thread.name == "axonlog-repair":
            thread.join(30)
    """
    assert run_code(script(text), tmp_path).returncode == 0
    assert json.loads((lost / "run.plx.json").read_text())["status"] == "failed"
    assert (lost / "events/metric/loss.plx").read_text().endswith("|0.5")


def test_a_killed_run_goes_on_under_its_uuid(tmp_path):
    text = "axonlog.log_metrics(step=1, loss=0.5)\nos.kill(os.getpid(), signal.SIGKILL)"
    assert run_code(script(text), tmp_path).returncode == -signal.SIGKILL
    run = only_run(tmp_path)
    again = f"""
    import axonlog
    with axonlog.Run(
        project="acme/faults", is_offline=True, run_uuid={run.name!r}, track_env=False
    ) as run:
        run.log_metrics(step=2, loss=0.25)
    """
    assert run_code(again, tmp_path).returncode == 0
    assert points_of(run, "loss") == [(1, 0.5), (2, 0.25)]
    expected = ["created", "running", "failed", "running", "succeeded"]
    assert statuses_of(run) == expected
