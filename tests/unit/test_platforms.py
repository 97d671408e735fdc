"""Where axonlog works, and what it says where it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axonlog.store import RunDirectory
from support.kept import curve, only_run, record_of

WITHOUT_LINUX = Path(__file__).parents[1] / "support" / "without_linux"

TRAIN = """
import os, signal, sys, axonlog
try:
    open("/proc/self/stat")
except FileNotFoundError:
    pass
else:
    sys.exit("there is a /proc")
run = axonlog.init(project="acme/digits", is_offline=True)
for step in range(1000):
    axonlog.log_metrics(loss=step / 2, step=step)
with open("weights.bin", "wb") as file:
    file.write(b"w" * 100_000)
os.makedirs("folder/below")
with open("folder/below/file.txt", "w") as file:
    file.write("text")
axonlog.log_artifact("weights.bin", name="weights")
axonlog.log_artifact("folder", name="folder")
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
axonlog.end()
"""


def python(*arguments, **variables):
    paths = [str(WITHOUT_LINUX), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("ending", ["ended", "killed"])
def test_a_run_is_whole_on_a_system_that_has_only_what_all_unixes_have(tmp_path, ending):
    done = python("-c", TRAIN, ending)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if ending == "ended" else -signal.SIGKILL)
    directory = only_run(tmp_path)
    long_ago = time.time() - 3600  # without /proc a process is dead when it has been silent
    for note in RunDirectory(directory).journal.glob("*"):
        os.utime(note, (long_ago, long_ago))
    listed = python("-m", "axonlog", "ls")
    assert listed.returncode == 0
    assert curve(directory, "loss") == [(step, step / 2) for step in range(1000)]
    assert record_of(directory).status == ("succeeded" if ending == "ended" else "failed")
    kept = {file.name: file.read_bytes() for file in directory.rglob("*") if file.is_file()}
    assert kept["weights.bin"] == b"w" * 100_000
    assert kept["file.txt"] == b"text"


def test_windows_is_told_at_once_and_what_to_do():
    script = "import sys; sys.platform = 'win32'; import axonlog"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: axonlog needs Linux or macOS")
    assert "WSL" in last
