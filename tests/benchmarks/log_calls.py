"""What a log call costs: ``python tests/benchmarks/log_calls.py [--repeats 5]``.

Prints the table of log calls beside a bare floor (``struct.pack_into`` a mapped file) that is
measured in the same processes, in turns; medians over the repeats. Nothing is asserted: the
numbers are the machine's as much as ours.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CALLS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--points", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        sys.stdout.write(
            json.dumps(MEASUREMENTS[arguments.measure.split(":")[0]](arguments.measure))
        )
        return
    wanted = ["latency:1", "latency:10", "paced", "start"]
    wanted += [f"scale:{points}:{names}" for points in arguments.points for names in (1, 10)]
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in wanted}
    for _ in range(arguments.repeats):
        for name in wanted:  # in turns: a noisy minute meets them all
            taken[name].append(in_a_fresh_process(name))
    for name, results in taken.items():
        write = sys.stdout.write
        write(f"{name}\n")
        for key in results[0]:
            numbers = [result[key] for result in results]
            middle = statistics.median(numbers)
            best = max(numbers) if key.startswith("points/s") else min(numbers)
            write(f"    {key:<42} {middle:>12.2f}   best {best:.2f}\n")


def in_a_fresh_process(measurement: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("AXONLOG_BENCH_DIR")) as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--measure", measurement],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return json.loads(done.stdout)


def latency(measurement: str) -> dict[str, float]:
    """A tight loop of 20,000 calls."""
    names = int(measurement.split(":")[1])
    import axonlog

    metrics = {f"metric_{number}": 0.1 * number for number in range(names)}
    result = {f"floor {key}": value for key, value in spread(floor(metrics)).items()}
    run = start()

    result |= {
        f"log_metrics(dict) {k}": v for k, v in spread(time_calls(run.log_metrics, metrics)).items()
    }
    keywords = ", ".join(f"{name}={value!r}" for name, value in metrics.items())
    for label, call in (("run", run.log_metrics), ("axonlog", axonlog.log_metrics)):
        program = (
            "for step in range(calls):\n"
            "    begin = now()\n"
            f"    call({keywords}, step=step)\n"
            "    times[step] = now() - begin\n"
        )
        times = [0] * CALLS
        exec(program, {"calls": CALLS, "now": time.perf_counter_ns, "call": call, "times": times})
        for key, value in spread(times).items():
            result[f"{label}.log_metrics {key}"] = value
    if names == 1:
        times = [0] * CALLS
        for step in range(CALLS):
            begin = time.perf_counter_ns()
            run.log_metric("metric_0", 0.5, step)
            times[step] = time.perf_counter_ns() - begin
        result |= {f"run.log_metric {key}": value for key, value in spread(times).items()}
    best = result["run.log_metrics p50 µs"]
    result["ratio to the floor"] = best / result["floor p50 µs"]
    run.end()
    return result


def time_calls(call: Callable[..., None], metrics: dict[str, float]) -> list[int]:
    now = time.perf_counter_ns
    times = [0] * CALLS
    for step in range(CALLS):
        begin = now()
        call(metrics, step=step)
        times[step] = now() - begin
    return times


def floor(metrics: dict[str, float]) -> list[int]:
    """The least that keeps a point over kill -9: no name, no checksum, no segment, no thread."""
    record = struct.Struct(f"<qd{len(metrics)}d")
    now, clock = time.perf_counter_ns, time.time
    times = [0] * CALLS
    with Path("floor").open("w+b") as file:
        os.posix_fallocate(file.fileno(), 0, record.size * CALLS)
        with mmap.mmap(file.fileno(), record.size * CALLS) as room:
            offset = 0

            def call(step: int, values: dict[str, float]) -> None:
                nonlocal offset
                record.pack_into(room, offset, step, clock(), *values.values())
                offset += record.size

            for step in range(CALLS):
                begin = now()
                call(step, metrics)
                times[step] = now() - begin
    return times


def paced(_: str) -> dict[str, float]:
    """0.15 ms of Python work between the calls."""
    run = start()
    times = []
    for step in range(10_000):
        work(0.15e-3)
        begin = time.perf_counter_ns()
        run.log_metrics(loss=0.5, step=step)
        times.append(time.perf_counter_ns() - begin)
    run.end()
    return spread(times)


def scale(measurement: str) -> dict[str, float]:
    """So many points to finished files."""
    points, names = map(int, measurement.split(":")[1:])
    metrics = {f"metric_{number}": 0.1 / (number + 1) for number in range(names)}
    run = start()
    run.log_metrics(metrics, step=0)
    time.sleep(1.5)  # until the background has touched everything once
    before, cpu = resident_bytes(), time.process_time()
    begin = time.perf_counter()
    for step in range(points // names):
        metrics["metric_0"] = step * 1.1
        run.log_metrics(metrics, step=step)
    logged = time.perf_counter()
    grown = resident_bytes() - before
    store = run._recorder.store
    while not store.refresh() or store.journal.segments()[:-1]:
        pass
    grown = max(grown, resident_bytes() - before)
    caught_up = time.perf_counter()
    run.end()
    ended = time.perf_counter()
    size = sum(p.stat().st_size for p in Path(run.get_artifacts_path()).rglob("*") if p.is_file())
    return {
        "points/s to finished files": points / (ended - begin),
        "µs per point, logged": (logged - begin) * 1e6 / points,
        "CPU µs per point": (time.process_time() - cpu) * 1e6 / points,
        "end() ms, when caught up": (ended - caught_up) * 1e3,
        "memory MB": grown / 1e6,
        "bytes per point": size / points,
    }


def start_and_import(_: str) -> dict[str, float]:
    bare = resident_bytes()
    begin = time.perf_counter()
    import axonlog

    imported = time.perf_counter()
    grown = resident_bytes() - bare
    run = start()
    first = time.perf_counter()
    run.end()
    assert axonlog.__version__
    begin_later = time.perf_counter()
    later = start()
    ready = time.perf_counter()
    later.end()
    ended = time.perf_counter()
    return {
        "import ms": (imported - begin) * 1e3,
        "import MB": grown / 1e6,
        "first init ms": (first - imported) * 1e3,
        "later init ms": (ready - begin_later) * 1e3,
        "end() of an empty run ms": (ended - ready) * 1e3,
    }


def start() -> object:
    import axonlog

    return axonlog.init(
        project="bench/calls", is_offline=True, is_new=True, track_env=False, track_code=False
    )


def work(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(50))


def spread(times: list[int]) -> dict[str, float]:
    ordered = sorted(times)

    def at(fraction: float) -> float:
        return ordered[int(fraction * len(ordered))] / 1e3

    return {"p50 µs": at(0.5), "p99 µs": at(0.99), "p99.9 µs": at(0.999)}


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


MEASUREMENTS: dict[str, Callable[[str], dict[str, float]]] = {
    "latency": latency,
    "paced": paced,
    "scale": scale,
    "start": start_and_import,
}

if __name__ == "__main__":
    main()
