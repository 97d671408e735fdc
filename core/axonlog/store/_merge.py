"""Merge two copies of an event file that went different ways."""

from __future__ import annotations

from collections import Counter

from axonlog.events import ArtifactKind, is_row_whole, kind_in_header

# What has no header is JSON lines; of which kind makes no difference to a merge.
_ANY_LINES = ArtifactKind.TEXT.value


def merge_rows(first: bytes, second: bytes) -> bytes:
    """All rows of both copies of an event file: those of ``first``, then what ``second`` adds.

    Rows are equal if all their bytes are. A row that occurs twice in a copy occurs twice in the
    result. A copy that continues the other one is the result itself. A last row that was cut in
    the middle is left out if the other copy has it whole.
    """
    first, second = first.rstrip(b"\n"), second.rstrip(b"\n")
    kind = kind_in_header(first) or kind_in_header(second) or _ANY_LINES
    first, second = _without_cut_row(first, second, kind), _without_cut_row(second, first, kind)
    common = _common_length(first, second)
    for one, other in ((first, second), (second, first)):
        if not one or (common == len(one) and other[common : common + 1] in (b"", b"\n")):
            return other
    shared = first.rfind(b"\n", 0, common) + 1
    left = Counter(first[shared:].split(b"\n"))
    missing = []
    for row in second[shared:].split(b"\n"):
        if left[row] > 0:
            left[row] -= 1
        elif row:
            missing.append(row)
    return b"\n".join([first, *missing])


def _without_cut_row(copy: bytes, other: bytes, kind: str) -> bytes:
    """``copy`` without its last row, if that is only the beginning of a row of ``other``."""
    start = copy.rfind(b"\n")
    row = copy[start:]
    # A row that can be read is one of its own: 0.5 is not a beginning of 0.55.
    is_cut = start >= 0 and row in other and not is_row_whole(row[1:], kind)
    return copy[:start] if is_cut else copy


def _common_length(first: bytes, second: bytes) -> int:
    """The length of the common prefix, by bisection: most copies share nearly all bytes."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
