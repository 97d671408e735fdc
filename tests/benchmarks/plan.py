"""What is measured, and which figures of it make the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One measurement with its numbers; ``quick`` are those of a quick look.

    ``is_quick_without_floors``: it takes long, and a quick look can do without the floors' figure,
        which tells how much is noise. ``is_ours_only``: nobody else has what is measured.
    """

    key: str
    measurement: str
    options: dict[str, int]
    quick: dict[str, int]
    times: int = 1
    is_quick_without_floors: bool = False
    is_ours_only: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of a job.

    ``goal`` is what axonlog is to reach, in words; ``more_is_better`` turns the comparison round.
    """

    label: str
    job: str
    figure: str
    goal: str
    more_is_better: bool = False
    scale: float = 1.0


def _volume(key: str, points: int) -> Job:
    numbers = {"metrics": 10, "points": points}
    return Job(key, "volume", numbers, numbers)


JOBS = (
    Job("import", "imported", {}, {}, times=5),
    Job("lifetime", "lifetime", {"later": 5}, {"later": 3}),
    Job("short", "short", {}, {}, times=5, is_ours_only=True),
    Job("pydantic", "imported_pydantic", {}, {}, times=5, is_ours_only=True),
    Job("nobody", "nobody", {}, {}, times=3, is_ours_only=True),
    *(
        Job(
            f"tight {count}",
            "tight",
            {"metrics": count, "calls": 20_000},
            {"metrics": count, "calls": 20_000},
        )
        for count in (1, 10)
    ),
    Job("paced", "paced", {"calls": 5000}, {"calls": 2000}),
    _volume("1e4", 10_000),
    _volume("1e5", 100_000),
    _volume("1e6", 1_000_000),
    Job("killed", "killed", {"milliseconds": 3000}, {"milliseconds": 1000}),
    Job(
        "beside",
        "beside",
        {"seconds": 2, "rounds": 6},
        {"seconds": 2, "rounds": 3},
        is_quick_without_floors=True,
    ),
    Job(
        "command",
        "command",
        {"runs": 100, "points": 100},
        {"runs": 100, "points": 100},
        is_ours_only=True,
    ),
)

ROWS = (
    Row("1 metric, tight loop: p50 µs", "tight 1", "p50_us", "≤ 1.0, 2 x floor"),
    Row("1 metric, tight loop: p99 µs", "tight 1", "p99_us", "≤ 5"),
    Row("1 metric: processor µs per call, all threads", "tight 1", "cpu_us_per_call", ""),
    Row("10 metrics, tight loop: p50 µs", "tight 10", "p50_us", "≤ 3.0, 2 x floor"),
    Row("10 metrics, tight loop: p99 µs", "tight 10", "p99_us", "≤ 15"),
    Row("10 metrics: processor µs per call, all threads", "tight 10", "cpu_us_per_call", ""),
    Row("0.15 ms of Python between calls: p50 µs", "paced", "p50_us", ""),
    Row("0.15 ms of Python between calls: p99 µs", "paced", "p99_us", "≤ 8"),
    Row("10⁴ points to the end: µs per point", "1e4", "us_per_point", "linear"),
    Row("10⁵ points to the end: µs per point", "1e5", "us_per_point", "linear"),
    Row("10⁶ points to the end: µs per point", "1e6", "us_per_point", "linear"),
    Row("10⁶ points: thousand points/s", "1e6", "points_per_s", "≥ 500", True, 1e-3),
    Row("10⁶ points: memory growth MB", "1e6", "memory_growth_mb", "< 5"),
    Row("10⁵ points: bytes per point on disk", "1e5", "bytes_per_point", "< 60"),
    Row("import: ms", "import", "import_ms", "< 25"),
    Row("import: MB above the bare interpreter", "import", "import_mb", "< 8"),
    Row("first init: ms", "lifetime", "first_init_ms", "< 180"),
    Row("later init: ms", "lifetime", "later_init_ms", "< 5"),
    Row("end, when the background has caught up: ms", "lifetime", "end_ms", "< 20"),
    Row("short offline run, all recorded: first init ms", "short", "first_init_ms", "3 x pydantic"),
    Row("import pydantic alone: ms", "pydantic", "import_ms", ""),
    Row("short offline run, all recorded: later init ms", "short", "later_init_ms", "< 5"),
    Row("short offline run, all recorded: end ms", "short", "end_ms", "≤ 20"),
    Row("nobody at the default host: first init ms", "nobody", "first_init_ms", ""),
    Row("nobody at the default host: end ms", "nobody", "end_ms", "≤ 20"),
    Row("kill -9: points lost of those logged, %", "killed", "lost_percent", "0"),
    Row("busy loop beside 1,000 points/s: % of its speed", "beside", "speed_percent", "≥ 99", True),
    Row("the same: background processor µs/point", "beside", "background_cpu_us_per_point", ""),
    Row("axonlog ls of 1 empty run: s", "command", "ls_empty_s", ""),
    Row("axonlog ls of 100 runs: s", "command", "ls_many_s", "< 0.5"),
    Row("axonlog sync --all of 1 empty run: s", "command", "sync_empty_s", ""),
    Row("axonlog sync --all of 99 runs: s", "command", "sync_many_s", "< 10"),
)
