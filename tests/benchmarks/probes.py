"""Figures of this process and of its files."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def rss_mb() -> float:
    """Memory of this process that is in RAM now, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def reset_peak() -> None:
    """Let ``peak_rss_mb`` begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_rss_mb() -> float:
    """The most that ``rss_mb`` has been since the last reset."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


def cpu_s() -> float:
    """Processor time of all threads, and of child processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def preemptions() -> int:
    """How often the kernel has taken the processor from this thread for somebody else."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def size_bytes(directory: Path) -> int:
    """All files below."""
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def quantile_us(times_ns: Sequence[int], fraction: float) -> float:
    """The value below which this share of the times lies."""
    ordered = sorted(times_ns)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] / 1000
