"""Run a script as a user does: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path


def run_script(
    text: str, cwd: Path, *arguments: str, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """The finished process of a script that was run in ``cwd``."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
    )
