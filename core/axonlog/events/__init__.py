"""The Polyaxon event formats: what a row of a ``.plx`` file is, how it is written and read."""

from ._kinds import ArtifactKind
from ._lifecycle import FINAL_STATUSES, Status
from ._names import clean_name
from ._reader import Event, read_events
from ._rows import header, json_row, metric_row
from ._summary import summarize
from ._values import to_metric_value, to_step, to_timestamp

__all__ = [
    "FINAL_STATUSES",
    "ArtifactKind",
    "Event",
    "Status",
    "clean_name",
    "header",
    "json_row",
    "metric_row",
    "read_events",
    "summarize",
    "to_metric_value",
    "to_step",
    "to_timestamp",
]
