"""What a delivery has done, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["sending", "delivered", "retrying", "paused", "incomplete"]


@dataclass(frozen=True)
class DeliveryReport:
    """Counts of a delivery; a snapshot that nothing changes any more.

    What is counted are a run's files, its status conditions, the fields of its document that have
    a value, and the entries of its lineage. Each is in one of three states.

    Attributes:
        sent: How many of them this delivery has brought to the server, which has them as they are.
        pending: How many are still to be sent.
        failed: How many the server refuses. They are tried again by the next delivery.
        bytes_sent: Bytes of files that went out, those of interrupted uploads included.
        pending_bytes: Size of the files that are still to be sent.
        state: ``sending``: at work, or looking for what comes next. ``delivered``: there was
            nothing left to send. ``retrying``: the server is in trouble, it is tried again and
            again. ``paused``: it refuses the credentials. ``incomplete``: given up for now, with
            something left.
        failure: Why it is not going on, in words, or None.
        kept_back: Paths of files that stay here because the server has newer ones of these names.
        unreplayed_points: How many points are in the journal and not yet in the event files, so
            that no server can have them. The run's ending is not sent before they are.
        journal_error: Why the journal could not be brought into the files, in words, or None.
    """

    sent: int = 0
    pending: int = 0
    failed: int = 0
    bytes_sent: int = 0
    pending_bytes: int = 0
    state: State = "sending"
    failure: str | None = None
    kept_back: tuple[str, ...] = ()
    unreplayed_points: int = 0
    journal_error: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the server has everything of the run."""
        return not (self.pending or self.failed or self.is_journal_behind)

    @property
    def is_journal_behind(self) -> bool:
        """Whether the run's files lack something that its journal has."""
        return bool(self.unreplayed_points or self.journal_error)
