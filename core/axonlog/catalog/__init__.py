"""Runs on this machine and their servers: find them, view them, send them.

What the command line, a report and a UI need to know of runs that other processes recorded.
Nothing here prints.
"""

from ._destination import ClientPool, Overrides, known_destination, run_client
from ._find import pick_runs, run_roots, runs_below
from ._pending import pending_report
from ._server_check import runs_to_send_again
from ._sync import SyncOutcome, Watch, send_runs
from ._view import COPY, LOST, UNREADABLE, RunView, count_points, view_run

__all__ = [
    "COPY",
    "LOST",
    "UNREADABLE",
    "ClientPool",
    "Overrides",
    "RunView",
    "SyncOutcome",
    "Watch",
    "count_points",
    "known_destination",
    "pending_report",
    "pick_runs",
    "run_client",
    "run_roots",
    "runs_below",
    "runs_to_send_again",
    "send_runs",
    "view_run",
]
