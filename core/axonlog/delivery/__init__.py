"""Bring a run's directory to a server: what is due, how to send it, and a thread that does."""

from ._delivery import Delivery, Pending
from ._ledger import Ledger, Stamp
from ._names import server_name
from ._plan import changed_fields, due_conditions, due_files, shipments
from ._register import register
from ._retry import retry_delay_s
from ._uploader import Uploader

__all__ = [
    "Delivery",
    "Ledger",
    "Pending",
    "Stamp",
    "Uploader",
    "changed_fields",
    "due_conditions",
    "due_files",
    "register",
    "retry_delay_s",
    "server_name",
    "shipments",
]
