"""One measurement of one contestant, in a process of its own.

    python measure.py MEASUREMENT CONTESTANT DIRECTORY RESULT_FILE [KEY=NUMBER ...]

The result is a JSON object of figures; units are in their names.
"""

from __future__ import annotations

import json
import mmap
import statistics
import struct
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import probes
from contestants import Contestant, find

Figures = dict[str, float]
Kind = type[Contestant]

_now = time.perf_counter_ns
# A contestant that needs longer for its points is cut off; the figures are per point.
_PATIENCE_S = 60.0
# What a background thread of a contestant needs to be done with what it was given.
_REST_S = 2.5
COUNTER = struct.Struct("<qq")


def tight(kind: Kind, directory: Path, *, metrics: int, calls: int) -> Figures:
    """Calls one after the other, as fast as they return."""
    contestant = _started(kind, directory)
    log, times = contestant.log, array("q", bytes(8 * calls))
    names = _names(metrics)
    cpu, began = probes.cpu_s(), _now()
    done = 0
    for step in range(calls):
        values = dict.fromkeys(names, 0.1234567 + step * 1e-7)
        before = _now()
        log(values, step)
        after = _now()
        times[step] = after - before
        done += 1
        if after - began > _PATIENCE_S * 1e9:
            break
    contestant.finish()
    used = (probes.cpu_s() - cpu) * 1e6 / done
    return {**_quantiles(times[:done]), "cpu_us_per_call": used}


def paced(kind: Kind, directory: Path, *, calls: int) -> Figures:
    """Calls with 0.15 ms of Python between them, so that other threads want the interpreter."""
    contestant = _started(kind, directory)
    log, times = contestant.log, array("q")
    units = max(1, round(0.00015 / _unit_s()))
    for step in range(calls):
        for _ in range(units):
            _work()
        values = {"metric_0": step * 0.5}
        before = _now()
        log(values, step)
        times.append(_now() - before)
    contestant.finish()
    return _quantiles(times)


def volume(kind: Kind, directory: Path, *, metrics: int, points: int) -> Figures:
    """Many points, until the run is finished and can be read."""
    contestant = _started(kind, directory)
    log, names = contestant.log, _names(metrics)
    probes.reset_peak()
    memory, began = probes.rss_mb(), _now()
    done = 0
    for step in range(points // metrics):
        log(dict.fromkeys(names, 0.1234567 + step * 1e-7), step)
        done += metrics
        if not step & 255 and _now() - began > _PATIENCE_S * 1e9:
            break
    logged = _now()
    contestant.finish()
    ended = _now()
    return {
        "points": done,
        "us_per_point": (ended - began) / 1e3 / done,
        "points_per_s": done / ((ended - began) / 1e9),
        "finish_s": (ended - logged) / 1e9,
        "memory_growth_mb": probes.peak_rss_mb() - memory,
        "bytes_per_point": probes.size_bytes(directory) / done,
    }


def lifetime(kind: Kind, directory: Path, *, later: int) -> Figures:
    """Beginning and ending: the first run of a process, then later ones."""
    began = _now()
    exec(kind.import_statement, {})  # a constant of ours
    imported = _now()
    contestant = _started(kind, directory / "first")
    started = _now()
    contestant.log({"m": 1.0}, 0)
    contestant.finish()
    starts = []
    for number in range(later):
        before = _now()
        contestant = _started(kind, directory / f"later{number}")
        starts.append((_now() - before) / 1e6)
        contestant.log({"m": 1.0}, 0)
        if number < later - 1:
            contestant.finish()
    names = _names(10)
    for step in range(1000):
        contestant.log(dict.fromkeys(names, step * 0.1), step)
    time.sleep(_REST_S)
    before = _now()
    contestant.finish()
    return {
        "import_ms": (imported - began) / 1e6,
        "first_init_ms": (started - imported) / 1e6,
        "later_init_ms": statistics.median(starts),
        "end_ms": (_now() - before) / 1e6,
    }


def short(kind: Kind, directory: Path) -> Figures:
    """Two short runs of a process as a user writes them: packages and code are recorded too."""
    first_init_ms, _ = _short_run(directory / "first", is_offline=True)
    later_init_ms, end_ms = _short_run(directory / "later", is_offline=True)
    return {"first_init_ms": first_init_ms, "later_init_ms": later_init_ms, "end_ms": end_ms}


def nobody(kind: Kind, directory: Path) -> Figures:
    """A short run for which nobody named a server, where none is."""
    first_init_ms, end_ms = _short_run(directory, is_offline=None)
    return {"first_init_ms": first_init_ms, "end_ms": end_ms}


def _short_run(directory: Path, *, is_offline: bool | None) -> tuple[float, float]:
    import axonlog

    began = _now()
    axonlog.init(project="bench/short", artifacts_path=str(directory), is_offline=is_offline)
    started = _now()
    axonlog.log_metrics(loss=0.5, step=1)
    logged = _now()
    axonlog.end()
    return (started - began) / 1e6, (_now() - logged) / 1e6


def until_killed(kind: Kind, directory: Path) -> Figures:
    """One point each millisecond; ``counter`` tells how many calls have returned.

    Ends by itself only when nobody has killed it for a minute.
    """
    with (directory.parent / "counter").open("r+b") as file:
        counter = mmap.mmap(file.fileno(), COUNTER.size)
    contestant = _started(kind, directory)
    began, step = _now(), 0
    COUNTER.pack_into(counter, 0, 0, 1)
    while step < 60_000:
        time.sleep(max(0.0, (began + step * 1_000_000 - _now()) / 1e9))
        contestant.log({"m": step + 0.5}, step)
        step += 1
        COUNTER.pack_into(counter, 0, step, 1)
    raise SystemExit("nobody has killed this")


def recovered(kind: Kind, directory: Path) -> Figures:
    """How many points are there after a kill; one with a wrong value is not there."""
    try:
        found = {step for step, value in kind.recover(directory, "m") if value == step + 0.5}
    except FileNotFoundError:
        found = set()
    return {"points": len(found)}


def beside(kind: Kind, directory: Path, *, seconds: int, rounds: int) -> Figures:
    """A busy loop beside 1,000 points a second, against the same loop without them, by turns.

    ``speed_percent`` has the log calls themselves in it. ``background_cpu_us_per_point`` is what
    other threads of the process used.
    """
    contestant = _started(kind, directory)
    ratios, background, points = [], 0.0, 0
    for _ in range(rounds):
        alone = _busy(None, seconds, first=0)
        logging = _busy(contestant, seconds, first=points)
        ratios.append(alone.chunk_ns / logging.chunk_ns)
        background += logging.others_s - alone.others_s
        points += logging.points
    contestant.finish()
    return {
        "speed_percent": 100 * statistics.median(ratios),
        "background_cpu_us_per_point": max(0.0, background) * 1e6 / points,
    }


class _Stretch(NamedTuple):
    """A stretch of busy time: the mean time of a chunk of work, and what happened beside it."""

    chunk_ns: float
    others_s: float
    points: int


def _busy(contestant: Contestant | None, seconds: int, *, first: int) -> _Stretch:
    others_s = time.process_time() - time.thread_time()
    began = now = _now()
    due, chunks, total, points = began, 0, 0, 0
    preempted = probes.preemptions()
    while now < began + seconds * 10**9:
        for _ in range(20):
            _work()
        if now >= due:
            due += 1_000_000
            points += 1
            if contestant is not None:
                contestant.log({"metric_0": points * 0.5}, first + points)
        before, now = now, _now()
        # What other processes of the machine took is not the contestant's doing. Waiting for one
        # of its threads is: it gives the processor away by itself.
        count = probes.preemptions()
        if count == preempted:
            chunks += 1
            total += now - before
        preempted = count
    if contestant is not None:
        time.sleep(_REST_S / 2)  # what is left to the background belongs to this stretch
    used_s = time.process_time() - time.thread_time() - others_s
    return _Stretch(total / max(1, chunks), used_s, points)


def _work() -> int:
    """A few microseconds of pure Python that never lets the interpreter go."""
    total = 0
    for number in range(400):
        total += number
    return total


def _unit_s() -> float:
    times = []
    for _ in range(50):
        before = _now()
        _work()
        times.append((_now() - before) / 1e9)
    return statistics.median(times)


def _started(kind: Kind, directory: Path) -> Contestant:
    directory.mkdir(parents=True, exist_ok=True)
    contestant = kind()
    contestant.start(directory)
    return contestant


def _names(count: int) -> list[str]:
    return [f"metric_{number}" for number in range(count)]


def _quantiles(times_ns: array[int]) -> Figures:
    shares = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
    return {name: probes.quantile_us(times_ns, share) for name, share in shares.items()}


_MEASUREMENTS: dict[str, Callable[..., Figures]] = {
    function.__name__: function
    for function in (
        tight,
        paced,
        volume,
        lifetime,
        short,
        nobody,
        until_killed,
        recovered,
        beside,
    )
}


def main(words: list[str]) -> None:
    """Measure, and write the figures."""
    name, contestant, directory, result, *options = words
    numbers = {key: int(value) for key, value in (option.split("=") for option in options)}
    figures = _MEASUREMENTS[name](find(contestant).load(), Path(directory), **numbers)
    Path(result).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
