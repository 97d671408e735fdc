"""A run's directory on disk, in the formats that Polyaxon reads."""

from ._atomic import is_part, replacing, write_json
from ._copies import copy_into, digest
from ._document import Condition, RunDocument, RunRecord, read_record
from ._event_files import EventWriter
from ._file_lock import LOCK_TIMEOUT_S, FileLock, LockTimeoutError
from ._file_signature import FileSignature
from ._flusher import BackgroundFlusher
from ._json import to_json_fields, to_json_value, to_text
from ._layout import RunDirectory
from ._lineage import Lineage, LineageEntry, read_lineage
from ._media_events import copy_asset, encode_event
from ._merge import merge_rows
from ._repair import (
    Repair,
    count_unreplayed,
    ending_in_journal,
    is_alive,
    is_copy,
    needs_repair,
    repair,
    repair_siblings,
)
from ._spool import Spool, SpooledEvent, Ticket
from ._store import RunStore

__all__ = [
    "LOCK_TIMEOUT_S",
    "BackgroundFlusher",
    "Condition",
    "EventWriter",
    "FileLock",
    "FileSignature",
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
    "count_unreplayed",
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
    "write_json",
]
