"""Send runs to their servers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from axonlog.errors import AxonlogError
from axonlog.store import RunDirectory, read_record

from ._delivering import Progress, deliver
from ._destination import Overrides, run_client
from ._exit_codes import DONE, PENDING, WRONG
from ._view import RunView

# Called with a run that is to be sent, gives what takes the news while it is.
Watch = Callable[[RunView], AbstractContextManager[Callable[[Progress], None]]]


@dataclass(frozen=True)
class Outcome:
    """What came of sending one run; ``error`` is why it could not even be tried."""

    run: RunView
    progress: Progress
    host: str | None = None
    owner: str | None = None
    project: str | None = None
    error: str | None = None

    @property
    def exit_code(self) -> int:
        """What this one run means for the exit code."""
        if self.error is not None:
            return WRONG
        return DONE if self.progress.is_complete else PENDING

    @property
    def trouble(self) -> str | None:
        """Why not everything is on the server, if it is known."""
        return self.error or self.progress.trouble

    def to_dict(self) -> dict[str, Any]:
        """The outcome for JSON; sizes in bytes."""
        return {
            "run_uuid": self.run.run_uuid,
            "name": self.run.name,
            "path": str(self.run.path),
            "host": self.host,
            "owner": self.owner,
            "project": self.project,
            "sent": self.progress.sent,
            "pending": self.progress.pending,
            "failed": self.progress.failed,
            "bytes_sent": self.progress.bytes_sent,
            "pending_bytes": self.progress.pending_bytes,
            "trouble": self.trouble,
        }


def send_runs(
    runs: Sequence[RunView], overrides: Overrides, *, wait_s: float, watch: Watch
) -> Iterator[Outcome]:
    """Send each run, and tell what came of it as soon as it is known.

    Args:
        runs: What to send.
        overrides: Where the user wants it.
        wait_s: How long to go on, in seconds, while a server is in trouble. One that is away for
            one run is not asked about the others.
        watch: Follows the delivery of each.
    """
    away: dict[str, str | None] = {}
    for run in runs:
        try:
            client = run_client(run.path, read_record(RunDirectory(run.path).document), overrides)
            host = client.client.connection.host
            if host in away:
                progress = replace(run.waiting, trouble=away[host])
            else:
                with client.client, watch(run) as tell:
                    progress = deliver(run.path, client, wait_s=wait_s, tell=tell)
        except (AxonlogError, OSError) as error:
            yield Outcome(run, run.waiting, error=str(error))
            continue
        if progress.is_server_away:
            away[host] = progress.trouble
        yield Outcome(run, progress, host, client.owner, client.project)
