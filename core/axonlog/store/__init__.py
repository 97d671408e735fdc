"""A run's directory on disk, in the formats that Polyaxon reads."""

from ._atomic import is_part, replacing, write_json
from ._copies import copy_into, digest
from ._document import Condition, RunDocument, RunRecord, read_record
from ._event_writer import EventWriter
from ._file_lock import LOCK_TIMEOUT_S, FileLock, LockTimeoutError
from ._flusher import BackgroundFlusher
from ._json import to_json_fields, to_json_value, to_text
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry, read_lineage
from ._media_events import copy_asset, encode_event
from ._merge import merge_rows
from ._repair import (
    Repair,
    ending_in_journal,
    is_alive,
    is_copy,
    needs_repair,
    repair,
    repair_siblings,
    waiting_in_journal,
)
from ._spool import Spool, SpooledEvent, Ticket
from ._store import RunStore

__all__ = [
    "LOCK_TIMEOUT_S",
    "BackgroundFlusher",
    "Condition",
    "EventWriter",
    "FileLock",
    "Lineage",
    "LineageEntry",
    "LockTimeoutError",
    "Repair",
    "RunDirectory",
    "RunDocument",
    "RunRecord",
    "RunStore",
    "Spool",
    "SpooledEvent",
    "Ticket",
    "copy_asset",
    "copy_into",
    "digest",
    "encode_event",
    "ending_in_journal",
    "is_alive",
    "is_copy",
    "is_part",
    "merge_rows",
    "needs_repair",
    "read_lineage",
    "read_record",
    "repair",
    "repair_siblings",
    "replacing",
    "to_json_fields",
    "to_json_value",
    "to_text",
    "waiting_in_journal",
    "write_json",
]
