"""Bring a run's directory to a server: what is due, how to send it, and a thread that does."""

from ._delivery import Delivery, delivery_lock
from ._failure_tracker import FailureTracker
from ._plan import changed_fields, due_conditions, due_files, handled_conditions, upload_batches
from ._registration import register
from ._report import DeliveryReport
from ._retry import RetryPolicy, retry_delay_s
from ._server_name import server_name
from ._sync import sync
from ._sync_state import SyncState, UploadedFile
from ._uploader import Uploader
from ._verification import incomplete_runs

__all__ = [
    "Delivery",
    "DeliveryReport",
    "FailureTracker",
    "RetryPolicy",
    "SyncState",
    "UploadedFile",
    "Uploader",
    "changed_fields",
    "delivery_lock",
    "due_conditions",
    "due_files",
    "handled_conditions",
    "incomplete_runs",
    "register",
    "retry_delay_s",
    "server_name",
    "sync",
    "upload_batches",
]
