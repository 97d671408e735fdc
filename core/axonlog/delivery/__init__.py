"""Bring a run's directory to a server: what is due, how to send it, and a thread that does."""

from ._delivery import Delivery, delivery_lock
from ._ledger import Ledger, Sent, Stamp
from ._lost import lost_runs
from ._names import server_name
from ._plan import changed_fields, due_conditions, due_files, handled_conditions, shipments
from ._register import register
from ._report import DeliveryReport
from ._retry import Pace, retry_delay_s
from ._sync import sync
from ._troubles import Troubles
from ._uploader import Uploader

__all__ = [
    "Delivery",
    "DeliveryReport",
    "Ledger",
    "Pace",
    "Sent",
    "Stamp",
    "Troubles",
    "Uploader",
    "changed_fields",
    "delivery_lock",
    "due_conditions",
    "due_files",
    "handled_conditions",
    "lost_runs",
    "register",
    "retry_delay_s",
    "server_name",
    "shipments",
    "sync",
]
