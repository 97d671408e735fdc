"""The Polyaxon event formats: what a row of a ``.plx`` file is, how it is written and read."""

from axonlog._polyaxon import FINAL_STATUSES, Status

from ._kinds import ArtifactKind, EventKind, event_kind
from ._names import check_name, clean_name
from ._reader import (
    Columns,
    Event,
    is_row_whole,
    kind_in_header,
    read_columns,
    read_events,
    torn_tail_bytes,
)
from ._rows import event_row, format_seconds, format_time, header, row_prefix
from ._summary import Span, Summary, summarize, summarize_into
from ._values import to_metric_value, to_step, to_timestamp

__all__ = [
    "FINAL_STATUSES",
    "ArtifactKind",
    "Columns",
    "Event",
    "EventKind",
    "Span",
    "Status",
    "Summary",
    "check_name",
    "clean_name",
    "event_kind",
    "event_row",
    "format_seconds",
    "format_time",
    "header",
    "is_row_whole",
    "kind_in_header",
    "read_columns",
    "read_events",
    "row_prefix",
    "summarize",
    "summarize_into",
    "to_metric_value",
    "to_step",
    "to_timestamp",
    "torn_tail_bytes",
]
