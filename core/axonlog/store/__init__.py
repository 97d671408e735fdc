"""A run's directory on disk, in the formats that Polyaxon reads."""

from ._copies import copy_into, digest
from ._document import Condition, RunDocument, RunRecord, read_record
from ._files import is_part, replacing, write_json
from ._json import to_json_value, to_text
from ._keeper import Keeper
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry, read_lineage
from ._merge import merge_rows
from ._repair import Repair, is_alive, needs_repair, repair, repair_siblings
from ._store import RunStore
from ._writer import EventWriter

__all__ = [
    "Condition",
    "EventWriter",
    "Keeper",
    "Lineage",
    "LineageEntry",
    "Repair",
    "RunDirectory",
    "RunDocument",
    "RunRecord",
    "RunStore",
    "copy_into",
    "digest",
    "is_alive",
    "is_part",
    "merge_rows",
    "needs_repair",
    "read_lineage",
    "read_record",
    "repair",
    "repair_siblings",
    "replacing",
    "to_json_value",
    "to_text",
    "write_json",
]
