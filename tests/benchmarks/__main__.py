"""Measure axonlog beside its peers, and print the table.

    python tests/benchmarks [--quick] [--repeats N] [--only NAME ...] [--json FILE]

Every measurement of every contestant has a process of its own, without a network. One repeat
measures everything of everybody before the next one begins, so that what else the machine does
falls on all alike. Ctrl-C ends it early, with the table of what there is. Figures are for reading:
no test depends on them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from contestants import FLOORS, OURS, PEERS, Entry
from environments import python_of, versions_of
from launch import measure, without_network
from plan import JOBS, ROWS, Job
from report import table

_Measured = defaultdict[str, defaultdict[str, list[dict[str, float]]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Returns:
        0, or 1 when something could not be measured.
    """
    given = _parser().parse_args(arguments)
    entries = _chosen(given.only, quick=given.quick)
    for entry in entries:
        python_of(entry)
    results: _Measured = defaultdict(lambda: defaultdict(list))
    failures: list[str] = []
    # Whoever has no more patience gets the table of what has been measured until then.
    with contextlib.suppress(KeyboardInterrupt):
        for repeat in range(1 if given.quick else given.repeats):
            for job in JOBS:
                for entry in entries:
                    _measure(job, entry, results, failures, quick=given.quick, repeat=repeat)
                if given.json:
                    given.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(_head(entries))
    print(table(ROWS, results, [entry.name for entry in entries]))
    for failure in failures:
        print(f"\nnot measured: {failure}")
    return 1 if failures else 0


def _chosen(names: Sequence[str] | None, *, quick: bool) -> list[Entry]:
    if names:
        return [entry for entry in (OURS, *FLOORS, *PEERS) if entry.name in names]
    return [OURS, *FLOORS, *(() if quick else PEERS)]


def _measure(
    job: Job, entry: Entry, results: _Measured, failures: list[str], *, quick: bool, repeat: int
) -> None:
    if quick and job.is_quick_without_floors and entry in FLOORS:
        return
    if job.is_ours_only and entry != OURS:
        return
    options = job.quick if quick else job.options
    for _ in range(job.times):
        try:
            figures = measure(entry, job.measurement, **options)
        except (subprocess.SubprocessError, OSError) as error:
            words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            failures.append(f"{job.key} of {entry.name}: {words[-1] if words else error!r}")
            return
        results[job.key][entry.name].append(figures)
    told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"{repeat + 1}  {job.key:<9} {entry.name:<13} {told}", file=sys.stderr)


def _head(entries: Sequence[Entry]) -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    network = "none" if without_network() else "not taken away: unshare is not allowed here"
    installed = (f"{entry.name}: {versions_of(entry)}" for entry in entries if entry in PEERS)
    return "\n".join(
        [
            f"Python {platform.python_version()}, {os.cpu_count()} processors, "
            f"load {load} at the end; network: {network}.",
            *installed,
            "",
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="axonlog and the floors, once")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=[entry.name for entry in (OURS, *FLOORS, *PEERS)],
        help="one contestant; may be repeated",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure here, as it comes"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
