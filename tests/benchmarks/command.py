"""What the ``axonlog`` command costs: many runs beside one that holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from environments import REPOSITORY

_MAKE_RUNS = """
import sys, axonlog
given = {"project": "bench/mark", "is_offline": True, "is_new": True}
for number in range(int(sys.argv[1])):
    with axonlog.Run(name=f"run-{number}", **given) as run:
        for step in range(int(sys.argv[2])):
            run.log_metrics(loss=step, accuracy=step / 2, step=step)
"""


def list_and_sync(
    python: Path, room: Path, variables: Mapping[str, str], *, runs: int, points: int
) -> dict[str, float]:
    """Seconds of ``axonlog ls`` and ``axonlog sync --all``, with a real server on this machine.

    Args:
        python: The interpreter with what axonlog needs.
        room: An empty folder.
        variables: The environment of the commands.
        runs: How many runs; one of them has been sent before ``sync --all`` is timed.
        points: How many points each of the two metrics of a run has.

    Raises:
        CalledProcessError: A command failed.
        OSError: There is no server: ``make server`` installs it.
    """
    sys.path.append(os.fspath(REPOSITORY / "tests"))
    from support.polyaxon_server import PolyaxonServer

    server = PolyaxonServer(room / "server")
    server.directory.mkdir()
    server.start()
    try:
        figures: dict[str, float] = {}
        for label, count, size in (("empty", 1, 0), ("many", runs, points)):
            folder = room / label
            folder.mkdir()
            _run([python, "-c", _MAKE_RUNS, str(count), str(size)], folder, variables)
            command = [python, "-m", "axonlog"]
            figures[f"ls_{label}_s"] = _run([*command, "ls"], folder, variables)
            to_server = ["--host", server.url]
            if count > 1:
                one = sorted((folder / "axonlog_data" / "runs").iterdir())[0]
                _run([*command, "sync", one.name, *to_server], folder, variables)
            sync = [*command, "sync", "--all", *to_server]
            figures[f"sync_{label}_s"] = _run(sync, folder, variables)
        return figures
    finally:
        server.stop()


def _run(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=dict(variables), check=True, capture_output=True, text=True
    )
    return time.perf_counter() - began
