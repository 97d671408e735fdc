"""The Polyaxon event formats: what a row of a ``.plx`` file is, how it is written and read."""

from ._kinds import ArtifactKind
from ._lifecycle import FINAL_STATUSES, Status
from ._names import check_name, clean_name
from ._reader import Event, read_events, torn_tail_bytes
from ._rows import format_seconds, format_time, header, json_row, metric_row, row_prefix
from ._summary import Span, Summary, summarize, summarize_into
from ._values import to_metric_value, to_step, to_timestamp

__all__ = [
    "FINAL_STATUSES",
    "ArtifactKind",
    "Event",
    "Span",
    "Status",
    "Summary",
    "check_name",
    "clean_name",
    "format_seconds",
    "format_time",
    "header",
    "json_row",
    "metric_row",
    "read_events",
    "row_prefix",
    "summarize",
    "summarize_into",
    "to_metric_value",
    "to_step",
    "to_timestamp",
    "torn_tail_bytes",
]
