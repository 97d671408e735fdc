"""The ``axonlog`` command, and runs for it to work on."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import axonlog

COMMAND = (sys.executable, "-m", "axonlog")


def make_run(name: str | None = None, *, points: int = 3, **given: Any) -> Path:
    """A run that was tracked offline and has ended; returns its directory."""
    settings = {"project": "acme/digits", "is_offline": True, "is_new": True, **given}
    with axonlog.Run(name=name, track_env=False, track_code=False, **settings) as run:
        for step in range(points):
            run.log_metrics(loss=step / 2, step=step)
    return Path(run.context.artifacts_path.value or "")


def in_terminal(*arguments: str, **environment: str) -> str:
    """What the command writes to a terminal."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment},
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    written = b""
    try:
        while chunk := os.read(terminal, 4096):
            written += chunk
    except OSError:
        pass  # how a terminal says that nobody is left at its other end
    os.close(terminal)
    process.wait()
    return written.decode()
