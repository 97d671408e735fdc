"""An environment of its own for each peer, made when it is first needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from contestants import Entry

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "bench"


def python_of(entry: Entry) -> Path:
    """The interpreter with what the contestant needs; installs that the first time.

    Raises:
        CalledProcessError: It cannot be installed.
    """
    folder = CACHE / entry.environment
    python, stamp = folder / "bin" / "python", folder / ".ready"
    wanted = "\n".join(entry.requirements)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {', '.join(entry.requirements)} for {entry.name}", file=sys.stderr)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-qq"]
    constraints = ["--constraint", REPOSITORY / "constraints.txt"]
    subprocess.run([*pip, *constraints, *entry.requirements], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def versions_of(entry: Entry) -> str:
    """What is installed of what was asked for, for the head of the table."""
    listing = subprocess.run(
        [python_of(entry), "-m", "pip", "list", "--disable-pip-version-check", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    installed = dict(line.lower().split("==", 1) for line in listing.splitlines() if "==" in line)
    wanted = [requirement.partition(">")[0] for requirement in entry.requirements]
    return ", ".join(f"{name} {installed.get(name.lower(), '?')}" for name in wanted)
