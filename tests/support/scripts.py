"""Run a script of the tests in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).parent.parent


def run_script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``tests/<name>`` in the working directory; it may import ``support``."""
    return subprocess.run(
        [sys.executable, str(_TESTS / name), *arguments],
        env={**os.environ, "PYTHONPATH": str(_TESTS), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
