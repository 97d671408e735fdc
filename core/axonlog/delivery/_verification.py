"""Which of many delivered runs a server lacks something of, found out in few requests."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from axonlog.client import RunClient, RunData
from axonlog.errors import ServerError
from axonlog.events import FINAL_STATUSES
from axonlog.store import RunDirectory, read_record

from ._delivery import STATE_FILE
from ._polyaxon_store import missing
from ._sync_state import SyncState

_log = logging.getLogger("axonlog")

# The runs are named in the query, which is a part of the URL.
_RUNS_AT_ONCE = 50

# Without it the server leaves out the runs that are older than a month.
_OF_ANY_AGE = "created_at:>1970-01-01"


def incomplete_runs(project: RunClient, runs: Mapping[str, Path]) -> set[str]:
    """The runs that should be delivered again, by uuid.

    The project's list tells of status and fields, and one request for each folder of files of
    their sizes. What the server has beyond that, or otherwise, is no reason.

    Args:
        project: A client of the project; its own run does not matter.
        runs: The directories of runs that were delivered there, by uuid.

    Raises:
        TransportError: The server did not answer.
        ServerError: It answered with an error.
        AxonlogError: A directory holds something else than a run.
        OSError: One cannot be read.
    """
    lost = set()
    for uuids in _batches(list(runs)):
        remote = _listed(project, uuids)
        for uuid in uuids:
            run = remote.get(uuid)
            client = RunClient(project.owner, project.project, uuid, project.client)
            if _is_unknown(client) if run is None else _lacks_something(client, run, runs[uuid]):
                lost.add(uuid)
    return lost


def _is_unknown(client: RunClient) -> bool:
    """Whether the server knows nothing of a run that its list leaves out."""
    try:
        client.get()
    except ServerError as error:
        if error.status == 404:
            return True
        raise
    _log.warning(
        "run %s was deleted or archived on the server, where somebody wanted that: it is not sent "
        "again",
        client.run_uuid,
    )
    return False


def _batches(uuids: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(uuids), _RUNS_AT_ONCE):
        yield uuids[start : start + _RUNS_AT_ONCE]


def _listed(project: RunClient, uuids: list[str]) -> dict[str, RunData]:
    query = f"uuid:{'|'.join(uuids)},{_OF_ANY_AGE}"
    try:
        page = project.list(limit=_RUNS_AT_ONCE, query=query)
    except ServerError as error:
        if error.status == 404:  # the project is gone, with all its runs
            return {}
        raise
    return {run.uuid: run for run in page.results}


def _lacks_something(client: RunClient, run: RunData, directory: Path) -> bool:
    state = SyncState.model_validate_json(
        (RunDirectory(directory).private / STATE_FILE).read_bytes()
    )
    is_over = read_record(RunDirectory(directory).document).status in FINAL_STATUSES
    if is_over and run.status not in FINAL_STATUSES:
        return True
    for field in ("inputs", "outputs", "meta_info"):
        sent, remote = state.fields.get(field) or {}, getattr(run, field) or {}
        if any(value is not None and key not in remote for key, value in sent.items()):
            return True
    return bool(missing(client, state.files))
