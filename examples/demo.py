"""Train a small Lightning and a small Keras model, tracked, and show what was kept.

    make demo
    python examples/demo.py --host http://localhost:8000   # also sends it to a Polyaxon server

Each example runs in a process of its own, so that its run ends as a real training does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from axonlog.events import read_events
from axonlog.store import read_record

EXAMPLES = {
    "lightning_digits.py": "PyTorch Lightning, and where its settings came from",
    "keras_digits.py": "Keras",
}


def train(script: str, *options: str) -> Path:
    """Run an example, show what it prints, and return the run's directory: its last word."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *options]
    # Models this small only lose time when they share the work out.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603  # ours
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line
    if process.returncode != 0:
        sys.exit(f"{script} failed with exit code {process.returncode}")
    return Path(last.partition(" in ")[2].strip())


def summary(directory: Path) -> Iterator[tuple[str, str, str, str, str, str]]:
    """A run as rows of a table, a row for each curve: the run itself stands in the first."""
    record = read_record(directory / "run.plx.json")
    about = (record.name or record.uuid, record.status or "?", f"{record.duration or 0:.1f} s")
    for file in sorted(directory.glob("events/metric/*.plx")):
        *_, last = read_events(file)
        yield (*about, file.stem, f"{last.value:.4g}", f"{last.step}")
        about = ("", "", "")
    yield (*about, "", "", "")


def table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def main() -> None:
    directories = []
    for script, title in EXAMPLES.items():
        print(f"== {title}\n", flush=True)
        explain = ["--explain"] if not directories else []
        directories.append(train(script, *explain, *sys.argv[1:]))
        print()

    print("== What was kept\n")
    rows: list[tuple[str, ...]] = [("run", "status", "took", "curve", "last value", "at step")]
    for directory in directories:
        rows += summary(directory)
    print(table(rows))
    for directory in directories:
        print(f"{read_record(directory / 'run.plx.json').name}: {shown(directory)}")
    print(
        "\nLook into them: run.plx.json is the run, events/metric/*.plx are its curves, "
        "one point a line."
    )


def shown(path: Path) -> Path:
    """``path`` as it is typed from here, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    main()
