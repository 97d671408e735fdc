"""Run a measurement in a process of its own, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

from contestants import OURS, Entry
from environments import REPOSITORY, python_of
from measure import COUNTER

_HERE = Path(__file__).parent
_LIMIT_S = 300.0
_FOREIGN = ("POLYAXON_", "AXONLOG_", "TRACKIO_")

# As little as possible: what this imports itself would be missing in the figure.
_IMPORT = """
import time
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * {page_bytes} / 1e6
before, began = memory(), time.perf_counter()
{statement}
ended, after = time.perf_counter(), memory()
print((ended - began) * 1e3, after - before)
"""


@cache
def without_network() -> tuple[str, ...]:
    """The command before a command that takes its network away; empty where that is not allowed."""
    prefix = ("unshare", "--map-root-user", "--net")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return prefix if allowed.returncode == 0 else ()


def measure(entry: Entry, measurement: str, **options: int) -> dict[str, float]:
    """The figures of one measurement.

    Raises:
        CalledProcessError: The contestant failed.
        TimeoutExpired: It did not come to an end.
    """
    if measurement == "imported":
        return _imported(entry, entry.load().import_statement)
    if measurement == "imported_pydantic":
        # The package loads its classes when they are first asked for.
        return _imported(entry, "import pydantic; pydantic.BaseModel")
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        if measurement == "killed":
            return _killed(entry, Path(room), **options)
        return _run(entry, measurement, Path(room), options)


def _run(entry: Entry, measurement: str, room: Path, options: dict[str, int]) -> dict[str, float]:
    subprocess.run(
        _command(entry, measurement, room, options),
        env=_variables(entry, room / "run"),
        cwd=room,
        check=True,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
    )
    figures: dict[str, float] = json.loads((room / "result").read_text())
    return figures


def _imported(entry: Entry, statement: str) -> dict[str, float]:
    script = _IMPORT.format(statement=statement, page_bytes=os.sysconf("SC_PAGE_SIZE"))
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        done = subprocess.run(
            [*without_network(), python_of(entry), "-c", script],
            env=_variables(entry, Path(room)),
            cwd=room,
            check=True,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )
    time_ms, memory_mb = map(float, done.stdout.splitlines()[-1].split())
    return {"import_ms": time_ms, "import_mb": memory_mb}


def _killed(entry: Entry, room: Path, *, milliseconds: int) -> dict[str, float]:
    counter = room / "counter"
    counter.write_bytes(bytes(COUNTER.size))
    with (room / "output").open("wb") as output:
        process = subprocess.Popen(
            _command(entry, "until_killed", room, {}),
            env=_variables(entry, room / "run"),
            cwd=room,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_for_start(process, counter)
            time.sleep(milliseconds / 1000)
        finally:
            process.kill()
            process.wait()
    returned, _ = COUNTER.unpack(counter.read_bytes())
    found = _run(entry, "recovered", room, {})["points"]
    lost = max(0.0, returned - found)  # the call that was interrupted may be there too
    return {"returned": returned, "lost": lost, "lost_percent": 100 * lost / max(1, returned)}


def _wait_for_start(process: subprocess.Popen[bytes], counter: Path) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not COUNTER.unpack(counter.read_bytes())[1]:
        if process.poll() is not None or time.monotonic() > deadline:
            raise subprocess.CalledProcessError(process.returncode or 1, process.args)
        time.sleep(0.01)


def _command(
    entry: Entry, measurement: str, room: Path, options: dict[str, int]
) -> list[str | Path]:
    numbers = [f"{key}={value}" for key, value in options.items()]
    script = [_HERE / "measure.py", measurement, entry.name, room / "run", room / "result"]
    # Without a network nobody could refuse the connection.
    prefix = () if measurement == "nobody" else without_network()
    return [*prefix, python_of(entry), *script, *numbers]


def _variables(entry: Entry, directory: Path) -> dict[str, str]:
    """The environment: that of the user without settings of trackers, and the contestant's own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    kept.pop("PYTHONPATH", None)
    if entry == OURS:
        kept["PYTHONPATH"] = os.fspath(REPOSITORY / "core")  # the checkout, without installing it
    own = {key: text.format(directory=directory) for key, text in entry.load().variables.items()}
    # The caches of an earlier run, or of the user, must not decide anything.
    return {**kept, "HOME": os.fspath(directory.parent), **own}
