r"""The journal: what a log call was given, in a file before the call returns.

Each attempt (one process's stretch of a run) appends to segments of its own in
``.axonlog/journal`` of the run's directory. A background thread replays them into the event files
and deletes the segments that are complete. If the process dies, the next process that opens the run
replays what is left: nothing but the directory is needed.

Two files accompany the segments: the process that writes (``<attempt>.json``) and, in bytes that
were reserved when the attempt began, the newest status that it recorded (``<attempt>.status``).

Format, version 1. Numbers are little-endian. A segment ``<attempt>.<index>.journal`` is a header
and then frames, one after the other, without padding:

=========  ==========================================================================
bytes      segment header
=========  ==========================================================================
8          ``axonlog\n``
4          version, 1
4          index of the segment: 0, 1, 2 ... within the attempt
4          CRC-32 of the 16 bytes before
=========  ==========================================================================

=========  ==========================================================================
bytes      frame
=========  ==========================================================================
4          length of the whole frame, CRC included; 0 ends the segment
1          kind
3          id of a tuple of names, valid in this segment
n          payload, by kind
4          CRC-32 of the frame up to here
=========  ==========================================================================

=====  ============  ===============================================================
kind   is            payload
=====  ============  ===============================================================
1      names         JSON, a list: binds the id to these names, in this order
2      points        step (int64), seconds since 1970 (float64), one float64 per name
3      points        the same without a step: its eight bytes are 0
4      points        JSON ``{"step", "time", "values"}`` for what kinds 2 and 3 cannot
                     hold: a step beyond 64 bits, a time that the caller gave (ISO 8601);
                     with ``NaN`` and ``Infinity`` as Python's ``json`` writes them
=====  ============  ===============================================================

The blocks of a segment are allocated, not sparse, and mapped into memory. Appending is a copy of
some bytes, which survive any death of the process. Where a map could fault (network and FUSE file
systems, and those that copy on write) each frame is appended with one ``write``. A frame that was
torn by the death of the process fails its CRC: reading ends there and reports how many bytes it
dropped.
"""

from ._attempt import Attempt, attempts_in, new_attempt
from ._filesystem import can_be_mapped, has_stable_inodes
from ._format import Batch, Scan, scan
from ._journal import Journal
from ._segment import Segment, read_file

__all__ = [
    "Attempt",
    "Batch",
    "Journal",
    "Scan",
    "Segment",
    "attempts_in",
    "can_be_mapped",
    "has_stable_inodes",
    "new_attempt",
    "read_file",
    "scan",
]
