"""Bring what a run's directory holds to the server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from axonlog.client import RunClient
from axonlog.errors import ServerError
from axonlog.store import RunDirectory, RunRecord, read_lineage, read_record

from ._archive import pack
from ._ledger import Ledger, Stamp
from ._plan import changed_fields, due_conditions, due_files, shipments
from ._register import register

_DOCUMENTS = frozenset({"run.plx.json", "lineages.plx.json"})


@dataclass(frozen=True)
class Pending:
    """What the server does not have yet."""

    files: int
    size_bytes: int
    changes: int

    @property
    def is_nothing(self) -> bool:
        """Whether the server has it all."""
        return not (self.files or self.changes)


class Delivery:
    """One run's way to one server.

    It reads the directory and nothing else, so it works while the run goes on, after it, and in
    another process. Repeating it sends only what differs from what the server answered to have.

    Args:
        directory: The run.
        client: Where it goes; owner, project and run_uuid are set.
        adopt: Called with an event file's path and the server's copy of it, when the server
            holds rows that were logged elsewhere: puts them before those that are here.
        with_files: False where something else uploads the files, as in a cluster.
    """

    def __init__(
        self,
        directory: RunDirectory,
        client: RunClient,
        *,
        adopt: Callable[[Path, bytes], None],
        with_files: bool = True,
    ) -> None:
        self._directory = directory
        self._client = client
        self._adopt = adopt
        self._with_files = with_files
        self._ledger_path = directory.private / "delivery.json"
        destination = f"{client.client.connection.host}/{client.owner}/{client.project}"
        self._ledger = Ledger.load(self._ledger_path, destination)
        self._has_compared = False

    def enter_known(self, record: RunRecord) -> None:
        """Note that the server has this much of the run: it just said so.

        Raises:
            OSError: The note cannot be written.
        """
        self._ledger.is_registered = True
        self._ledger.statuses = max(self._ledger.statuses, len(record.status_conditions))
        for field, (value, _) in changed_fields(record, self._ledger.fields).items():
            self._ledger.fields.setdefault(field, value)
        self._save()

    def enter_registered(self) -> None:
        """Note that the server has just made this run, empty."""
        self._ledger.is_registered = self._has_compared = True
        self._save()

    def step(self, *, final: bool) -> None:
        """Send what is due; whatever fails stays due.

        Args:
            final: The run has ended or pauses: send whatever differs.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
            OSError: The directory cannot be read.
        """
        self._register()
        self._compare()
        self._send_conditions(with_final=False)
        self._send_fields()
        self._send_lineage()
        self._send_files(final=final)
        if all(
            stamp == self._ledger.files.get(path) for path, stamp in self._found_files().items()
        ):
            self._send_conditions(with_final=True)

    def pending(self) -> Pending:
        """What is not delivered, counted against the directory of this moment."""
        record = read_record(self._directory.document)
        found = self._found_files()
        missing = [path for path, stamp in found.items() if stamp != self._ledger.files.get(path)]
        conditions = due_conditions(
            record.status_conditions, self._ledger.statuses, with_final=True
        )
        lineage = self._changed_lineage()
        return Pending(
            files=len(missing),
            size_bytes=sum(found[path].size_bytes for path in missing),
            changes=len(conditions)
            + len(changed_fields(record, self._ledger.fields))
            + len(lineage),
        )

    def _register(self) -> None:
        if not self._ledger.is_registered:
            self._has_compared = register(self._client, read_record(self._directory.document))
            self._ledger.is_registered = True
            self._save()

    def _compare(self) -> None:
        """Once per attempt: fetch event rows that the server has and this directory lacks."""
        if self._has_compared or not self._with_files:
            return
        for path, size in self._client.get_tree_recursive("events").items():
            sent = self._ledger.files.get(path)
            if sent is not None and sent.size_bytes == size:
                continue
            with tempfile.TemporaryDirectory() as room:
                copy = Path(room) / "copy"
                self._client.download_file(path, copy)
                self._adopt(self._directory.path / path, copy.read_bytes())
        self._has_compared = True

    def _send_conditions(self, *, with_final: bool) -> None:
        conditions = read_record(self._directory.document).status_conditions
        for position, condition, forced in due_conditions(
            conditions, self._ledger.statuses, with_final=with_final
        ):
            self._client.log_status(
                condition.type,
                reason=condition.reason,
                message=condition.message,
                last_update_time=condition.last_update_time,
                last_transition_time=condition.last_transition_time,
                force=forced,
            )
            self._ledger.statuses = position + 1
            self._save()

    def _send_fields(self) -> None:
        changed = changed_fields(read_record(self._directory.document), self._ledger.fields)
        for merge in (True, False):
            fields = {name: value for name, (value, merged) in changed.items() if merged is merge}
            if fields:
                self._client.update(merge=merge, **fields)
                self._ledger.fields.update(fields)
                self._save()

    def _send_lineage(self) -> None:
        changed = self._changed_lineage()
        if changed:
            self._client.log_lineage(list(changed.values()))
            self._ledger.lineage.update(changed)
            self._save()

    def _changed_lineage(self) -> dict[str, dict[str, Any]]:
        entries = read_lineage(self._directory.lineage)
        documents = {entry.name: entry.model_dump(mode="json") for entry in entries}
        return {
            name: document
            for name, document in documents.items()
            if document != self._ledger.lineage.get(name)
        }

    def _send_files(self, *, final: bool) -> None:
        found = self._found_files()
        due = due_files(found, self._ledger.files, now_ns=time.time_ns(), final=final)
        sizes = {path: found[path].size_bytes for path in due}
        refused: ServerError | None = None
        for shipment in shipments(due, sizes, self._ledger.files):
            try:
                self._ship(shipment)
            except ServerError as error:
                # The others must not wait for one file that the server will not have.
                refused = error
                continue
            self._ledger.files.update({path: found[path] for path in shipment})
            self._save()
        if refused is not None:
            raise refused

    def _ship(self, paths: list[str]) -> None:
        root = self._directory.path
        folder = PurePosixPath(paths[0]).parent.as_posix()
        to_dir = "" if folder == "." else folder
        if len(paths) > 1:
            with pack(root / path for path in paths) as archive:
                if self._client.upload_tar(archive, to_dir=to_dir, overwrite=False):
                    return
            # The folder is there: from another machine, or from an answer that got lost.
        for path in paths:
            self._client.upload_file(root / path, to_dir=to_dir)

    def _found_files(self) -> dict[str, Stamp]:
        if not self._with_files:
            return {}
        root = self._directory.path
        found = {}
        for path in root.rglob("*"):
            relative = path.relative_to(root)
            if relative.as_posix() in _DOCUMENTS or _is_ours(relative) or not path.is_file():
                continue
            status = path.stat()
            found[relative.as_posix()] = Stamp(
                size_bytes=status.st_size, modified_ns=status.st_mtime_ns
            )
        return found

    def _save(self) -> None:
        self._ledger.save(self._ledger_path)


def _is_ours(relative: Path) -> bool:
    """Whether the path is axonlog's own, or a file that is still being written."""
    return any(
        part == ".axonlog" or (part.startswith(".") and part.endswith(".tmp"))
        for part in relative.parts
    )
