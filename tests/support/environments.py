"""An environment that holds axonlog with one extra and nothing else, as a user makes it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CACHE = ROOT / ".cache" / "environments"
# What decides what is installed beside axonlog.
_PINS = ("pyproject.toml", "constraints.txt")


def python_with(extra: str) -> Path:
    """The interpreter of the environment made by ``pip install .[extra]`` in the checkout.

    It is made anew when a dependency changes; axonlog itself is installed each time.
    """
    folder = _CACHE / (extra or "plain")
    python, stamp = folder / "bin" / "python", folder / ".ready"
    wanted = _digest()
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if stamp.exists() and stamp.read_text() == wanted:
        _run([*pip, "--force-reinstall", "--no-deps", ROOT])
        return python
    _run([sys.executable, "-m", "venv", "--clear", folder])
    target = f"{ROOT}[{extra}]" if extra else ROOT
    # Without the pin Lightning would bring the PyTorch that has CUDA in it.
    _run([*pip, "--constraint", ROOT / "constraints.txt", target])
    stamp.write_text(wanted)
    return python


def without_this_checkout() -> dict[str, str]:
    """The variables of this process but for those that would let an environment see more."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "KERAS_BACKEND"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _digest() -> str:
    pins = b"".join((ROOT / name).read_bytes() for name in _PINS)
    return hashlib.sha256(pins + sys.version.encode()).hexdigest()


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(
        command, env=without_this_checkout(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
