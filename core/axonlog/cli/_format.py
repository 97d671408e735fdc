"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime

_AGES = (("d", 86400), ("h", 3600), ("min", 60))
_SIZES = ("B", "kB", "MB", "GB")


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that gives at least 1: ``5 min``."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length_s in _AGES:
        if seconds >= length_s:
            return f"{seconds // length_s} {unit}"
    return f"{seconds} s"


def size(size_bytes: float) -> str:
    """Bytes with a decimal prefix: ``3.4 MB``."""
    for unit in _SIZES:
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def count(number: int, thing: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
