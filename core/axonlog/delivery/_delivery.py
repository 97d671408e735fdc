"""Bring what a run's directory holds to the server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from axonlog.client import RunClient
from axonlog.errors import ServerError
from axonlog.events import FINAL_STATUSES
from axonlog.store import (
    Condition,
    RunDirectory,
    RunRecord,
    read_lineage,
    read_record,
)

from ._attempts import Attempts, RunGoneError
from ._contact import There, ask, known_fields, seed
from ._files import Adopt, FileDelivery
from ._found import Reread, find_files
from ._joined import joined_summary
from ._ledger import Ledger, LedgerFile, Stamp
from ._lock import delivering
from ._plan import (
    changed_fields,
    changes_interval_s,
    due_conditions,
    field_values,
    is_changing,
)
from ._register import register
from ._report import DeliveryReport
from ._shipping import Shipping
from ._troubles import Troubles

# What the server answers with an empty page is looked up afterwards; so often, then it is believed.
_MAX_CHECKS = 2

# Between two looks for somebody who writes over what we wrote.
_RIVAL_S = 1.0


class Delivery:
    """One run's way to one server.

    It reads the directory and nothing else, so it works while the run goes on, after it, and in
    another process. Repeating it sends only what differs from what the server answered to have.

    Args:
        directory: The run.
        client: Where it goes; owner, project and run_uuid are set.
        adopt: Called with an event file's path and the server's copy of it, when the server
            holds rows that were logged elsewhere: puts them before those that are here. Without
            it the directory stays as it is, and both are joined on the way to the server.
        with_files: False where something else uploads the files, as in a cluster.
        own_from: From which status condition on the attempt that is going on wrote them; None
            where none is going on.
        on_bytes: Called with the number of bytes of files that have just gone out.
        clock: Seconds that only go forward.
        pause: Waits some seconds.

    Attributes:
        client: May be replaced by one with other credentials.
        bytes_sent: Of files, also in uploads that were interrupted.
        is_elsewhere: Whether somebody else was delivering this directory at the last step.
    """

    def __init__(
        self,
        directory: RunDirectory,
        client: RunClient,
        *,
        adopt: Adopt | None = None,
        with_files: bool = True,
        own_from: int | None = None,
        on_bytes: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.client = client
        self.is_elsewhere = False
        self._pause = pause
        self.label = f"run {client.run_uuid}"
        self._own_from = own_from
        self._with_files = with_files
        self._clock = clock
        self._began_at = clock()
        self._changes_at = clock() - changes_interval_s(0)
        self.bytes_sent = 0
        self._on_bytes = on_bytes
        self._directory = directory
        self._private = directory.private
        self._record = Reread(directory.document, read_record)
        self._lineage = Reread(directory.lineage, read_lineage)
        destination = f"{client.client.connection.host}/{client.owner}/{client.project}"
        self._ledger_file = LedgerFile(self._private / "delivery.json", destination, clock=clock)
        self._attempts = Attempts(Troubles(clock=clock), label=self.label)
        self._files = FileDelivery(
            directory.path,
            self._ledger_file,
            Shipping(directory.path, self._private, self._count_bytes),
            self._attempts,
            adopt=adopt,
            on_joined=self._note_joined,
            label=self.label,
            clock=clock,
        )
        self._joined: dict[str, dict[str, Any] | None] = {}
        self._has_met = False
        self._was_gone = False
        self._is_final_there = False
        self._checks = 0

    @property
    def _ledger(self) -> Ledger:
        return self._ledger_file.ledger

    def enter_known(self, record: RunRecord) -> None:
        """Note that the server has this much of the run: it just said so.

        Raises:
            OSError: The note cannot be written.
        """
        self._ledger.is_registered = True
        known = known_fields(self._record.get(), field_values(record))
        for field, value in known.items():
            self._ledger.fields.setdefault(field, value)
        self._ledger_file.save()

    def enter_registered(self) -> None:
        """Note that the server has just made this run, empty.

        Raises:
            OSError: The note cannot be written.
        """
        self._ledger.is_registered = self._has_met = True
        self._ledger_file.save()

    def hurry(self, *, is_last: bool = False) -> None:
        """Try at once whatever failed and may get better.

        Args:
            is_last: Somebody waits for the end: also from now on only short pauses.
        """
        self._attempts.troubles.hurry(is_last=is_last)

    def waiting_for(self) -> str | None:
        """Why something is pending although the server answers, in words."""
        error = self._attempts.troubles.last_error()
        return None if error is None else str(error)

    def step(self, *, final: bool, is_locked: bool = False) -> bool:
        """Send what is due; whatever fails stays due.

        Args:
            final: The run has ended or pauses: send whatever differs.
            is_locked: The caller sees to it that nobody else delivers this directory meanwhile.

        Returns:
            Whether there is more to send at once.

        Raises:
            TransportError: The server did not answer.
            ServerError: It is in no state to take anything, or takes nothing of one kind.
            AxonlogError: The directory holds something else than a run.
            OSError: It cannot be read.
        """
        if is_locked:
            return self._step(final=final)
        with delivering(lock_file(self._directory)) as is_mine:
            # Somebody else who delivers the same directory does our work.
            self.is_elsewhere = not is_mine
            return self._step(final=final) if is_mine else False

    def report(self, *, is_fresh: bool = False) -> DeliveryReport:
        """The counts of this moment; any thread may ask.

        Args:
            is_fresh: Look at the files; else the last look of a step counts.

        Raises:
            AxonlogError: The directory holds something else than a run.
            OSError: It cannot be read.
        """
        pending, failed, size = [], 0, 0
        troubles, found = self._attempts.troubles, self._files.found
        if is_fresh and self._with_files:
            found = find_files(self._directory.path)
        for kind, name, version in self._missing(found):
            if troubles.is_failed(kind, name, version):
                failed += 1
            else:
                pending.append((kind, name))
                size += found[name].size_bytes if kind == "file" and name in found else 0
        return DeliveryReport(
            sent=len(self._attempts.sent - set(pending)),
            pending=len(pending),
            failed=failed,
            bytes_sent=self.bytes_sent,
            pending_bytes=size,
            state="sending" if pending else "delivered",
            kept_back=tuple(sorted(self._files.kept_back)),
        )

    def _step(self, *, final: bool) -> bool:
        self._ledger_file.refresh()
        self._attempts.begin_step()
        if self._with_files:
            self._files.look()
        try:
            self._register()
            self._meet()
            self._send_conditions(with_final=False)
            self._send_fields(final=final)
            has_more = self._with_files and self._files.send(self.client, final=final)
            self._send_lineage()
            # An ending is entered before the last rows are in their files.
            if final and not has_more and not self._is_anything_pending(but="status"):
                self._send_conditions(with_final=True)
            if final and not has_more:
                has_more = self._check()
            self._attempts.end_step()
        except RunGoneError as error:
            self._start_again(error)
            return True
        finally:
            # The directory may be the one that is full; what was sent is asked for again then.
            with contextlib.suppress(OSError):
                self._ledger_file.save()
        return has_more

    def _start_again(self, error: RunGoneError) -> None:
        """Once: the server may have lost the run, or have been replaced by an empty one."""
        if self._was_gone:
            raise error.__cause__ or error
        self._was_gone = True
        self._has_met = False
        self._ledger_file.start_again()

    def _register(self) -> None:
        if not self._ledger.is_registered:
            self._has_met = register(self.client, self._record.get())
            self._ledger.is_registered = True

    def _meet(self) -> None:
        if self._has_met:
            return
        try:
            there = ask(self.client, with_files=self._with_files)
        except ServerError as error:
            if error.status == 404:
                raise RunGoneError(str(error)) from error
            raise
        record = self._record.get()
        self._is_final_there = there.is_final
        seed(self._ledger, there, record, self._lineage_here(), own_from=self._own_from)
        if self._with_files:
            foreign_since = there.foreign_since(record.status_conditions)
            self._files.meet(self.client, there, foreign_since)
        self._has_met = True

    def _send_conditions(self, *, with_final: bool) -> None:
        for position, condition, forced in self._due_conditions(with_final=with_final):
            send = partial(self._send_condition, condition, forced or self._is_final_there)
            name, version = str(position), condition.type
            is_done = self._attempts.attempt("status", name, version, send)
            if not is_done and not self._attempts.troubles.is_failed("status", name, version):
                return  # their order counts
            self._ledger.statuses = position + 1

    def _send_condition(self, condition: Condition, forced: bool) -> None:
        self.client.log_status(
            condition.type,
            reason=condition.reason,
            message=condition.message,
            last_update_time=condition.last_update_time,
            last_transition_time=condition.last_transition_time,
            force=forced,
        )

    def _due_conditions(self, *, with_final: bool) -> list[tuple[int, Condition, bool]]:
        conditions = self._record.get().status_conditions
        return due_conditions(conditions, self._ledger.statuses, with_final=with_final)

    def _send_fields(self, *, final: bool) -> None:
        record = self._record.get()
        values = field_values(record)
        changed = changed_fields(record, self._ledger.fields)
        pause_s = changes_interval_s(self._clock() - self._began_at)
        if not final and self._clock() - self._changes_at < pause_s:
            changed = {name: change for name, change in changed.items() if not is_changing(name)}
        if any(is_changing(name) for name in changed):
            self._changes_at = self._clock()
        for merge in (True, False):
            group = {
                name: value
                for name, (value, is_merged) in changed.items()
                if is_merged is merge and self._may_try("field", name, values[name])
            }
            self._send_group(
                "field", group, versions=values, send=partial(self._update, merge), into=values
            )

    def _update(self, merge: bool, fields: dict[str, Any]) -> None:
        answer = self.client.update(merge=merge, **fields)
        if answer.uuid != self.client.run_uuid:
            raise ServerError(
                f"the server answered about run {answer.uuid} instead of {self.client.run_uuid}",
                status=200,
            )

    def _send_lineage(self) -> None:
        group = {
            name: entry
            for name, entry in self._changed_lineage().items()
            if self._may_try("lineage", name, entry)
        }
        self._send_group(
            "lineage",
            {name: self._told(entry) for name, entry in group.items()},
            versions=group,
            send=lambda entries: self.client.log_lineage(list(entries.values())),
            into=group,
        )

    def _send_group(
        self,
        kind: str,
        group: dict[str, Any],
        *,
        versions: dict[str, Any],
        send: Callable[[dict[str, Any]], None],
        into: dict[str, Any],
    ) -> None:
        """All at once; if the server does not take that, one by one: it may be one of them."""
        if not group:
            return
        known = self._ledger.fields if kind == "field" else self._ledger.lineage
        if len(group) > 1 and self._attempts.attempt_all(kind, group, partial(send, group)):
            known.update({name: into[name] for name in group})
            return
        for name, value in group.items():
            if self._attempts.attempt(kind, name, versions[name], partial(send, {name: value})):
                known[name] = into[name]

    def _may_try(self, kind: str, name: str, version: object) -> bool:
        return self._attempts.troubles.may_try(kind, name, version)

    def _lineage_here(self) -> dict[str, dict[str, Any]]:
        return {entry.name: entry.model_dump(mode="json") for entry in self._lineage.get()}

    def _changed_lineage(self) -> dict[str, dict[str, Any]]:
        known = self._ledger.lineage
        here = self._lineage_here()
        return {name: entry for name, entry in here.items() if entry != known.get(name)}

    def _told(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry, with what is true of the rows on the server where they are more than here."""
        summary = self._joined.get(str(entry.get("path")))
        return entry if summary is None else {**entry, "summary": summary}

    def _note_joined(self, path: str, content: bytes) -> None:
        self._joined[path] = joined_summary(path, content, self._private)
        for name, entry in self._lineage_here().items():
            if entry.get("path") == path:
                self._ledger.lineage.pop(name, None)

    def _missing(self, found: Mapping[str, Stamp]) -> Iterator[tuple[str, str, object]]:
        """Kind, name and version of everything that the server does not have as it is here."""
        files = self._ledger.files
        for path, stamp in found.items():
            if (sent := files.get(path)) is None or sent.stamp != stamp:
                yield "file", path, stamp
        for position, condition, _ in self._due_conditions(with_final=True):
            yield "status", str(position), condition.type
        record = self._record.get()
        values = field_values(record)
        for name in changed_fields(record, dict(self._ledger.fields)):
            yield "field", name, values[name]
        for name, entry in self._changed_lineage().items():
            yield "lineage", name, entry

    def _is_anything_pending(self, *, but: str | None = None) -> bool:
        is_failed = self._attempts.troubles.is_failed
        return any(
            kind != but and not is_failed(kind, name, version)
            for kind, name, version in self._missing(self._files.found)
        )

    def _check(self) -> bool:
        """Look up, at the end, what the server answered with an empty page.

        Returns:
            Whether something has to be sent again.
        """
        if self._is_anything_pending():
            return False
        if self._files.is_contested:
            # Their last upload may just be on its way: one that they began before they could
            # see ours.
            self._files.is_contested = False
            self._pause(_RIVAL_S)
            if self._files.check_rivals(self.client):
                return True
        if self._checks >= _MAX_CHECKS:
            return False
        self._checks += 1
        there = ask(self.client, with_files=False)
        return self._forget_lost(there)

    def _forget_lost(self, there: There) -> bool:
        lost = False
        conditions = self._record.get().status_conditions
        last = len(conditions) - 1
        is_told = ("status", str(last)) in self._attempts.sent
        if is_told and conditions[last].type in FINAL_STATUSES - {there.run.status}:
            self._is_final_there = there.is_final
            self._ledger.statuses = last
            lost = True
        if there.lineage is not None:
            for name in self._ledger.lineage.keys() - there.lineage.keys():
                del self._ledger.lineage[name]
                lost = True
        return lost

    def _count_bytes(self, size: int) -> None:
        self.bytes_sent += size
        self._on_bytes()


def lock_file(directory: RunDirectory) -> Path:
    """What whoever delivers the run holds locked."""
    return directory.private / "delivery.lock"
