"""Ask servers whether they still have what was delivered to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from axonlog.client import RunClient
from axonlog.delivery import incomplete_runs
from axonlog.errors import AxonlogError
from axonlog.store import RunDirectory, read_record

from ._destination import ClientPool, Overrides, run_client
from ._view import RunView


def runs_to_send_again(
    runs: Sequence[RunView], overrides: Overrides
) -> tuple[set[Path], dict[str, int]]:
    """Those of delivered runs that their servers lack something of.

    Each project is asked once for many runs.

    Args:
        runs: Of which the sync states say that they were delivered.
        overrides: Where the user wants runs to go.

    Returns:
        Their directories; and why others could not be checked, with the number of runs for each
        reason.
    """
    clients = ClientPool()
    projects: dict[str, tuple[RunClient, list[RunView]]] = {}
    again: set[Path] = set()
    failures: dict[str, int] = {}
    for run in runs:
        try:
            client = run_client(
                run.path, read_record(RunDirectory(run.path).document), overrides, clients
            )
        except (AxonlogError, OSError) as error:
            failures[str(error)] = failures.get(str(error), 0) + 1
            continue
        place = f"{client.client.connection.host}/{client.owner}/{client.project}"
        if place == run.destination:
            projects.setdefault(place, (client, []))[1].append(run)
        else:
            again.add(run.path)  # the user names another place
    for client, members in projects.values():
        try:
            lost = incomplete_runs(client, {run.run_uuid: run.path for run in members})
            again |= {run.path for run in members if run.run_uuid in lost}
        except (AxonlogError, OSError) as error:
            failures[str(error)] = failures.get(str(error), 0) + len(members)
    clients.close()
    return again, failures
