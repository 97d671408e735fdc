"""Hundreds of processes are killed while they log; a fresh process that knows only the directories
looks for everything that a call had returned from.
"""

import json
import mmap
import os
import random
import signal
import time
from pathlib import Path

import axonlog
from axonlog.store.journal import Journal
from support.scripts import run_code

KILLS = 300

READ = """
import json, sys
from pathlib import Path
from axonlog.events import read_events
from axonlog.store import repair

found = {}
for path in sorted(Path("runs").iterdir()):
    report = repair(path)
    curves = {}
    for file in path.glob("events/metric/*.plx"):
        curves[file.stem] = [(event.step, event.value) for event in read_events(file)]
    found[path.name] = {
        "curves": curves,
        "status": json.loads((path / "run.plx.json").read_text())["status"],
        "left": [str(rest) for rest in path.rglob("*") if ".axonlog" in str(rest)],
    }
print(json.dumps(found))
"""


def log_for_ever(path, counted, kind):
    """In a child: count each call that has returned, in memory that the parent shares."""
    run = axonlog.Run(
        project="acme/kills",
        artifacts_path=str(path),
        is_offline=True,
        track_env=False,
        track_code=False,
    )
    recorder = run._recorder
    recorder._flusher._interval_s = 0.003  # so that some die in the middle of bringing over
    step = 0
    while True:
        if kind == 0:
            run.log_metrics(step=step, loss=step / 3)
        elif kind == 1:
            run.log_metrics({"loss": step / 3, **dict.fromkeys("abcdefghi", 0.5)}, step=step)
        else:
            run.log_metric("loss", step / 3, step)
            if step % 100 == 0:
                run.log_metrics({f"rare/{step}": 1.0}, step=step)
        step += 1
        counted[0] = step


def killed_after(path, delay_s, kind):
    """How many calls had returned when the process was killed."""
    counted = memoryview(mmap.mmap(-1, 8)).cast("q")  # a whole number or the one before
    child = os.fork()
    if child == 0:
        try:
            log_for_ever(path, counted, kind)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 30
    while counted[0] == 0:
        assert time.monotonic() < deadline
    end = time.monotonic() + delay_s
    while time.monotonic() < end:
        pass
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return counted[0]


def test_no_call_that_returned_is_lost_to_kill_9(tmp_path):
    assert Journal  # imported before the forks
    dice = random.Random(20261123)
    returned = {}
    for number in range(KILLS):
        name = f"{number:04d}"
        delay_s = dice.choice([0.0, 1e-5, 1e-3, 0.02]) * dice.random()
        returned[name] = killed_after(tmp_path / "runs" / name, delay_s, number % 3)
    done = run_code(READ, tmp_path)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    for name, calls in returned.items():
        losses = [tuple(point) for point in found[name]["curves"]["loss"]]
        # The call that was under way may be there or not; nothing else may differ.
        assert len(losses) in (calls, calls + 1), name
        assert losses == [(step, step / 3) for step in range(len(losses))], name
        if int(name) % 3 == 1:
            assert found[name]["curves"]["i"] == [[step, 0.5] for step in range(len(losses))]
        assert (found[name]["status"], found[name]["left"]) == ("failed", [])
    assert sum(returned.values()) > 10 * KILLS
    assert len(list(Path(tmp_path, "runs").iterdir())) == KILLS
