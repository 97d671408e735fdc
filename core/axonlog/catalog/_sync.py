"""Send runs to their servers, a few at a time."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from axonlog.delivery import DeliveryReport
from axonlog.delivery import sync as deliver
from axonlog.errors import AxonlogError
from axonlog.store import RunDirectory, read_record

from ._destination import ClientPool, Overrides, run_client
from ._view import RunView

# Called with a run that is to be sent, gives what takes the news while it is.
Watch = Callable[[RunView], AbstractContextManager[Callable[[DeliveryReport], None]]]


# A run is a dozen small requests, and mostly waits for their answers. More at a time overlap in
# the server's database, which then fails with some of them.
_RUNS_AT_ONCE = 4


@dataclass(frozen=True)
class SyncOutcome:
    """What came of sending one run; ``error`` is why it could not even be tried."""

    run: RunView
    report: DeliveryReport
    host: str | None = None
    owner: str | None = None
    project: str | None = None
    error: str | None = None

    @property
    def failure(self) -> str | None:
        """Why not everything is on the server, if it is known."""
        return self.error or self.report.failure

    def to_dict(self) -> dict[str, Any]:
        """The outcome for JSON; sizes in bytes."""
        return {
            "run_uuid": self.run.run_uuid,
            "name": self.run.name,
            "path": str(self.run.path),
            "host": self.host,
            "owner": self.owner,
            "project": self.project,
            "sent": self.report.sent,
            "pending": self.report.pending,
            "failed": self.report.failed,
            "bytes_sent": self.report.bytes_sent,
            "pending_bytes": self.report.pending_bytes,
            "kept_back": list(self.report.kept_back),
            "unreplayed_points": self.report.unreplayed_points,
            "failure": self.failure,
        }


def send_runs(
    runs: Sequence[RunView], overrides: Overrides, *, wait_s: float | None, watch: Watch
) -> Iterator[SyncOutcome]:
    """Send each run, and report what came of it, in the order given.

    Args:
        runs: What to send.
        overrides: Where the user wants it.
        wait_s: How long to go on, in seconds, while a server is in trouble; see
            ``axonlog.delivery.sync``. A server that was away for one run is tried only once for
            each of the others.
        watch: Follows the delivery of each.
    """
    sending = _Sending(runs, overrides, wait_s, watch)
    try:
        for number in range(len(runs)):
            yield sending.outcome(number)
    finally:
        sending.stop()


class _Sending:
    """Some threads that send one run after the other.

    They are daemons: Ctrl-C ends the command at once, and what is noted as sent is sent.
    """

    def __init__(
        self, runs: Sequence[RunView], overrides: Overrides, wait_s: float | None, watch: Watch
    ) -> None:
        self._runs = runs
        self._overrides = overrides
        self._wait_s = wait_s
        self._watch = watch
        self._clients = ClientPool()
        self._away: set[str] = set()
        self._next = iter(range(len(runs)))
        self._outcomes: dict[int, SyncOutcome | BaseException] = {}
        self._changed = threading.Condition()
        self._is_stopped = False
        for _ in range(min(_RUNS_AT_ONCE, len(runs))):
            threading.Thread(target=self._work, name="axonlog-sync", daemon=True).start()

    def outcome(self, number: int) -> SyncOutcome:
        """Wait for what comes of one run."""
        with self._changed:
            while number not in self._outcomes:
                self._changed.wait()
            outcome = self._outcomes[number]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def stop(self) -> None:
        """Begin with no further run."""
        with self._changed:
            self._is_stopped = True
        if len(self._outcomes) == len(self._runs):
            self._clients.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                number = None if self._is_stopped else next(self._next, None)
            if number is None:
                return
            try:
                outcome: SyncOutcome | BaseException = self._send(self._runs[number])
            except BaseException as error:  # noqa: BLE001  # raised where the outcome is awaited
                outcome = error
            with self._changed:
                self._outcomes[number] = outcome
                self._changed.notify_all()

    def _send(self, run: RunView) -> SyncOutcome:
        try:
            record = read_record(RunDirectory(run.path).document)
            with self._changed:  # one of the threads makes the client of a server
                client = run_client(run.path, record, self._overrides, self._clients)
                is_named = self._clients.is_named(self._overrides.host, run.destination)
            host = client.client.connection.host
            wait_s = self._wait_s
            if wait_s is None and not is_named:
                wait_s = 0.0  # nobody says that there is a server at all: waiting is of no use
            limit_s = 0.0 if host in self._away else wait_s
            with self._watch(run) as tell:
                report = deliver(run.path, client, on_progress=tell, wait_s=limit_s)
        except (AxonlogError, OSError) as error:
            return SyncOutcome(run, run.delivery, error=str(error))
        if report.failure and not report.sent:
            self._away.add(host)
            if not is_named:
                failure = (
                    f"{report.failure}; nobody named a server: pass --host, or set POLYAXON_HOST"
                )
                report = dataclasses.replace(report, failure=failure)
        return SyncOutcome(run, report, host, client.owner, client.project)
