"""The one conversation that ``init`` has with the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pydantic import ValidationError

from axonlog.client import PolyaxonClient, RunClient, RunData, is_retryable
from axonlog.context import Context, Setting, searched_places
from axonlog.delivery import register
from axonlog.errors import AxonlogError, MissingRunError, RefusedError, ServerError, TransportError
from axonlog.store import Condition, RunDirectory, RunRecord

_log = logging.getLogger("axonlog")

# The user is waiting for the training to begin: so long for one answer, and so long for all of
# them. A server that sends a byte now and then keeps within the first limit for ever.
_REQUEST_TIMEOUT_S = 5.0
_TOTAL_TIMEOUT_S = 8.0

# A Polyaxon server describes itself there, without credentials.
_INSTALLATION = "/api/v1/installation"
_INSTALLATION_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Registration:
    """What the server said of the run when it started.

    ``is_local``: nobody named a server, and none is there.
    """

    is_fresh: bool = False
    server_record: RunRecord | None = None
    failure: AxonlogError | None = None
    is_local: bool = False


def run_client(context: Context, *, timeout_s: float | None = None) -> RunClient:
    """A client for the run of ``context``."""
    connection = context.connection
    if timeout_s is not None:
        limit = min(timeout_s, connection.timeout_s or timeout_s)
        connection = connection.model_copy(update={"timeout_s": limit})
    return RunClient(
        context.owner.value,
        context.project.value,
        context.run_uuid.value,
        PolyaxonClient.from_connection(connection),
    )


def register_run(context: Context, record: RunRecord) -> Registration:
    """Register a new run, or fetch what the server knows of a resumed one.

    A server that is away, slow or failing stops nobody: one warning, and delivery keeps trying.
    Where nobody named a server and none is at the default host, the run is local.

    Raises:
        AuthenticationError: The server refuses the credentials.
        MissingRunError: The run to be resumed is not on the server.
        ServerError: It refuses the run for another reason that a retry would not change.
        TransportError: The context says ``strict``, and it did not answer.
    """
    try:
        return _with_timeout(
            _TOTAL_TIMEOUT_S, lambda: _register_or_fetch(context, record), context.host.value
        )
    except RefusedError as error:
        if context.token.value is not None:
            raise
        raise RefusedError(
            f"{error}; no token was found: looked at {'; '.join(searched_places('token'))}",
            status=error.status,
            detail=error.detail,
            method=error.method,
            url=error.url,
        ) from error
    except (TransportError, ServerError) as error:
        # A job of the cluster is where its server put it: an answer that cannot be read is no
        # sign of a wrong host there, and no reason to stop the job.
        is_temporary = _is_temporary(error) or (
            context.is_managed.value and _is_success_of_another_server(error)
        )
        if context.strict.value:
            raise
        if _is_default_host(context) and _is_not_polyaxon(context, error):
            _report_local(context, error)
            return Registration(is_local=True)
        if not is_temporary:
            raise
        _log.warning(
            "the server at %s (host from %s) cannot take the run now: %s; "
            "it is kept in %s and delivery keeps trying",
            context.host.value,
            context.host.source,
            error,
            context.artifacts_path.value,
        )
        return Registration(failure=error)


def as_local(context: Context) -> Context:
    """``context`` for a run that goes to no server, although nobody said so."""
    return context.model_copy(update={"is_offline": Setting(value=True, source="default")})


def _is_default_host(context: Context) -> bool:
    """Whether the host is only our default; in a cluster there always is a server."""
    is_in_cluster = context.is_managed.value or context.in_cluster.value
    return context.host.source == "default" and not is_in_cluster


def _is_not_polyaxon(context: Context, error: TransportError | ServerError) -> bool:
    """Whether what failed at the default host is not a Polyaxon that is in trouble.

    Many a development server listens at this port too. Polyaxon describes its installation to
    everybody; one that fails inside, or wants a token first, is a Polyaxon until proven otherwise.
    """
    if isinstance(error, (TransportError, MissingRunError)):
        return isinstance(error, TransportError)
    client = run_client(context, timeout_s=_INSTALLATION_TIMEOUT_S).client
    try:
        installation = client.request("GET", _INSTALLATION)
    except TransportError:
        return True
    except ServerError as refusal:
        is_unsupported = refusal.status == HTTPStatus.NOT_IMPLEMENTED
        return is_unsupported or not (isinstance(refusal, RefusedError) or is_retryable(refusal))
    finally:
        client.close()
    return not installation.body.lstrip().startswith(b"{")


def _report_local(context: Context, error: TransportError | ServerError) -> None:
    # Where the run is kept, the line of the start says.
    host = context.host.value
    advice = (
        "set POLYAXON_HOST to use a server; "
        f"`axonlog sync {(context.run_uuid.value or '')[:8]}` sends this run there later"
    )
    if isinstance(error, TransportError) and error.reason == "refused":
        _log.info(
            "no server is configured and none answers at %s, the run is local: %s", host, advice
        )
        return
    _log.warning(
        "no server is configured and no Polyaxon server answers at %s (%s), the run is local: %s",
        host,
        error,
        advice,
    )


def _register_or_fetch(context: Context, record: RunRecord) -> Registration:
    client = run_client(context, timeout_s=_REQUEST_TIMEOUT_S)
    try:
        if context.is_new.value:
            return Registration(is_fresh=register(client, record))
        return _fetch(context, client, record)
    finally:
        client.client.close()


def _with_timeout(limit_s: float, send: Callable[[], Registration], host: str) -> Registration:
    """The answer, if it comes in time.

    Asked in a thread: a name that is looked up, or an answer that drips, cannot be cut short.
    One that comes too late does no harm: to register a run a second time changes nothing.

    Raises:
        TransportError: It does not come in time.
    """
    future: Future[Registration] = Future()

    def run() -> None:
        try:
            future.set_result(send())
        except BaseException as error:  # noqa: BLE001  # raised again where the caller waits
            future.set_exception(error)

    threading.Thread(target=run, name="axonlog-start", daemon=True).start()
    # Not by result(): its time-out and one that the asking ran into would look the same.
    wait([future], limit_s)
    if not future.done():
        raise TransportError(f"{host}: no answer within {limit_s:g} seconds", reason="timeout")
    return future.result()


def _is_temporary(error: TransportError | ServerError) -> bool:
    """Whether the trouble may be over soon; an answer that is not Polyaxon's is a wrong host."""
    return is_retryable(error) and not _is_success_of_another_server(error)


def _is_success_of_another_server(error: TransportError | ServerError) -> bool:
    """Whether it is an answer that says success in words that are not Polyaxon's."""
    return isinstance(error, ServerError) and error.status < 300


def _fetch(context: Context, client: RunClient, record: RunRecord) -> Registration:
    try:
        return Registration(server_record=_as_record(client.get(), record))
    except ServerError as error:
        if error.status != 404 or context.is_managed.value:
            raise
        if RunDirectory(Path(context.artifacts_path.value or "")).document.exists():
            # A run that was tracked offline, or whose registration never got through.
            return Registration(is_fresh=register(client, record))
        uuid = context.run_uuid
        raise MissingRunError(
            f"run {uuid.value} (from {uuid.path or uuid.source}) is not in project "
            f"{context.owner.value}/{context.project.value} on {context.host.value} (404): pass "
            "is_new=True to start another one, or the run_uuid= of one that is there",
            status=error.status,
            detail=error.detail,
            method=error.method,
            url=error.url,
        ) from error


def _as_record(data: RunData, record: RunRecord) -> RunRecord:
    """The server's run as a document to go on from; its newest status is all the history."""
    fields = data.model_dump(mode="json", exclude_none=True)
    fields.pop("status_conditions", None)
    status = fields.pop("status", None)
    try:
        history = [] if status is None else [Condition(type=status)]
        return RunRecord.model_validate(
            {**record.model_dump(mode="json"), **fields, "uuid": record.uuid}
            | {"status": status, "status_conditions": history}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ServerError(
            f"unexpected answer about run {record.uuid}: {first['loc']}: {first['msg']}", status=200
        ) from error
