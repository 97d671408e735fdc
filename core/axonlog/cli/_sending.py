"""Send runs to their servers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from axonlog.delivery import DeliveryReport
from axonlog.delivery import sync as deliver
from axonlog.errors import AxonlogError
from axonlog.store import RunDirectory, read_record

from ._destination import Overrides, run_client
from ._exit_codes import DONE, PENDING, WRONG
from ._view import RunView

# Called with a run that is to be sent, gives what takes the news while it is.
Watch = Callable[[RunView], AbstractContextManager[Callable[[DeliveryReport], None]]]


@dataclass(frozen=True)
class Outcome:
    """What came of sending one run; ``error`` is why it could not even be tried."""

    run: RunView
    report: DeliveryReport
    host: str | None = None
    owner: str | None = None
    project: str | None = None
    error: str | None = None

    @property
    def exit_code(self) -> int:
        """What this one run means for the exit code."""
        if self.error is not None:
            return WRONG
        return DONE if self.report.is_complete else PENDING

    @property
    def trouble(self) -> str | None:
        """Why not everything is on the server, if it is known."""
        return self.error or self.report.trouble

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
            "undrained_points": self.report.undrained_points,
            "trouble": self.trouble,
        }


def send_runs(
    runs: Sequence[RunView], overrides: Overrides, *, wait_s: float | None, watch: Watch
) -> Iterator[Outcome]:
    """Send each run, and tell what came of it as soon as it is known.

    Args:
        runs: What to send.
        overrides: Where the user wants it.
        wait_s: How long to go on, in seconds, while a server is in trouble; see
            ``axonlog.delivery.sync``. A server that was away for one run is tried only once for
            each of the others.
        watch: Follows the delivery of each.
    """
    away: set[str] = set()
    for run in runs:
        try:
            client = run_client(run.path, read_record(RunDirectory(run.path).document), overrides)
            host = client.client.connection.host
            limit_s = 0.0 if host in away else wait_s
            with client.client, watch(run) as tell:
                report = deliver(run.path, client, on_progress=tell, wait_s=limit_s)
        except (AxonlogError, OSError) as error:
            yield Outcome(run, run.waiting, error=str(error))
            continue
        if report.trouble and not report.sent:
            away.add(host)
        yield Outcome(run, report, host, client.owner, client.project)
