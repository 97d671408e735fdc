"""The files of a run on their way to the server."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from axonlog.client import ArtifactTree, RunClient
from axonlog.errors import AxonlogError, ServerError
from axonlog.store import FileSignature, merge_rows

from ._attempts import Attempts
from ._failure_tracker import concerns_all
from ._local_files import find_files
from ._plan import due_files, is_event_file, replaced_folders, upload_batches
from ._polyaxon_store import FileUploader, digest_of, folder_sizes, missing
from ._remote_state import RemoteState, compare, is_newer
from ._sync_state import SyncState, SyncStateFile, UploadedFile

_log = logging.getLogger("axonlog")

# So much of a run is sent at a time; then newer rows get their turn.
_STEP_S = 5.0

# What was sent is looked for on the server after so many files, or before a larger one.
_BATCH_FILES = 50
_SMALL_BYTES = 64 * 1024

# Event files that have waited long are sent at this rate, all together, and so much at once.
_ALLOWANCE_BYTES_PER_S = 10_000
_ALLOWANCE_BYTES = 600_000

MergeRemote = Callable[[Path, bytes], None]


class FileSync:
    """Sends what differs from what the server has, and makes sure that it has arrived.

    Args:
        root: The run's directory.
        state_file: What the server has.
        shipping: Sends.
        attempts: Keeps the failures.
        merge_remote: Takes the server's copy of an event file into the one here; None where the
            directory is only read. Then both are joined on the way to the server.
        on_joined: Called with an event file's path and content when they were joined on the way.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        root: Path,
        state_file: SyncStateFile,
        shipping: FileUploader,
        attempts: Attempts,
        *,
        merge_remote: MergeRemote | None,
        on_joined: Callable[[str, bytes], None],
        label: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.found: dict[str, FileSignature] = {}
        self.kept_back: set[str] = set()
        self.is_contested = False
        self._root = root
        self._state_file = state_file
        self._shipping = shipping
        self._attempts = attempts
        self._merge_remote = merge_remote
        self._on_joined = on_joined
        self._label = label
        self._clock = clock
        self._seen_at: dict[str, float] = {}
        self._sent_at: dict[str, float] = {}
        self._compared_at = -math.inf
        self._to_join: dict[str, int] = {}
        # Of folders whose replacement broke off: the server may have deleted and not unpacked them.
        self._unsure: set[str] = set()
        self._has_merged = False
        self._allowance = float(_ALLOWANCE_BYTES)
        self._looked_at = clock()
        self._began_at = clock()

    @property
    def _state(self) -> SyncState:
        return self._state_file.state

    def look(self) -> None:
        """Find out what there is now.

        Raises:
            OSError: The directory cannot be read.
        """
        found, now = find_files(self._root), self._clock()
        seen = self._seen_at
        self._seen_at = {
            path: seen.get(path, now) if self.found.get(path) == signature else now
            for path, signature in found.items()
        }
        self._allowance = min(
            _ALLOWANCE_BYTES,
            self._allowance + (now - self._looked_at) * _ALLOWANCE_BYTES_PER_S,
        )
        self._looked_at = now
        self.found = found

    def meet(
        self,
        client: RunClient,
        there: RemoteState,
        other_attempt_at: datetime | None,
        written_until: datetime | None,
    ) -> None:
        """Find out, once, what the server has that this directory did not send.

        Rows of event files that were logged elsewhere are joined with those here. Of other files
        the newer one stays: the server's, if an attempt that this directory knows nothing of
        began after the one here was written.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
            OSError: The directory cannot be read or written.
        """
        differences = compare(
            self._state,
            there,
            self.found,
            other_attempt_at=other_attempt_at,
            written_until=written_until,
            take_all=self._merge_remote is not None,
        )
        for path in differences.gone:
            self._state.files.pop(path, None)
        for path in differences.foreign:
            self._note_foreign(client, path, there.files[path])
        for path in differences.alike:
            sent = self._state.files.get(path)
            signature = self._shipping.is_same(client, path, sent)
            size = there.files[path]
            if signature is not None:
                digest = None if sent is None else sent.digest
                if digest is None and is_event_file(path):  # what follows is appended to that
                    with (self._root / path).open("rb") as file:
                        digest = digest_of(file, signature.size_bytes)
                self._state.files[path] = UploadedFile(
                    signature=signature, remote_bytes=size, digest=digest
                )
            elif is_event_file(path):
                self._note_foreign(client, path, size)
            elif other_attempt_at is not None and not is_newer(
                self.found[path], other_attempt_at, written_until
            ):
                self._keep_back(path, size)
            self._state_file.save_soon()
        for path in differences.theirs:
            self._keep_back(path, there.files[path])
        self._compared_at = self._clock()
        self.look()

    def is_confirmed_since(self, moment: float) -> bool:
        """Whether the server was seen to have every file that it should have, after ``moment``."""
        return self._compared_at >= moment or all(
            self._sent_at.get(path, -math.inf) >= moment for path in self._state.files
        )

    def send(self, client: RunClient, *, final: bool) -> bool:
        """Send what is due.

        Returns:
            Whether there is more, for which there was no time.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
        """
        if self._unsure:
            self._forget_missing(client, self._unsure)
            self._unsure.clear()
        due = self._due(final=final)
        due = [
            *self._after_a_look(client, [path for path in due if is_event_file(path)]),
            *(path for path in due if not is_event_file(path)),
        ]
        if self._has_merged:
            self._has_merged = False
            self.look()  # what was adopted is longer now
        due = [path for path in due if path in self.found]  # the others were deleted meanwhile
        sizes = {path: self.found[path].size_bytes for path in due}
        started, batch = self._clock(), dict[str, UploadedFile]()
        replaced = self._replace_folders(client, due)
        due = [path for path in due if path not in replaced]
        for number, group in enumerate(upload_batches(due, sizes, self._state.files)):
            # What has been sent is made sure of before something larger can fail.
            if len(batch) >= _BATCH_FILES or sizes[group[0]] > _SMALL_BYTES:
                self._confirm(client, batch)
                batch = {}
            if number and self._clock() - started >= _STEP_S:
                self._confirm(client, batch)
                return True
            batch.update(self._ship(client, group))
        self._confirm(client, batch)
        return False

    def check_concurrent_uploads(self, client: RunClient) -> bool:
        """Whether another attempt has just written over what was sent; then it is sent again.

        Raises:
            TransportError: The server did not answer.
            ServerError: It answered with an error.
        """
        paths = [path for path in self.found if is_event_file(path)]
        return bool(self._after_a_look(client, paths, only_rivals=True))

    def _due(self, *, final: bool) -> list[str]:
        now = self._clock()
        due = due_files(
            self.found,
            self._state.files,
            seen_s={path: now - at for path, at in self._seen_at.items()},
            unsent_s={path: now - self._sent_at.get(path, self._began_at) for path in self.found},
            allowance_bytes=self._allowance,
            final=final,
        )
        may_try = self._attempts.tracker.may_try
        return [path for path in due if may_try("file", path, self.found[path])]

    def _after_a_look(
        self, client: RunClient, paths: Iterable[str], *, only_rivals: bool = False
    ) -> list[str]:
        """Which of these event files are to be sent, now that we know what is there."""
        paths = list(paths)
        sizes = folder_sizes(client, paths) if paths else {}
        left = []
        for path in paths:
            size, sent = sizes.get(path), self._state.files.get(path)
            if size is None:
                self._state.files.pop(path, None)
                left.append(path)
            elif sent is not None and size == sent.remote_bytes == sent.signature.size_bytes:
                if only_rivals:
                    continue
                # Rows that were deleted here are nowhere but on the server now.
                if self._begins_as_sent(path, sent) or self._take_theirs(client, path, size):
                    left.append(path)
            elif (
                sent is not None
                and size == sent.remote_bytes
                and sent.signature == self.found[path]
            ):
                continue  # it was joined on the way, and nothing has come since
            else:
                self.is_contested = self.is_contested or sent is not None
                if self._take_theirs(client, path, size):
                    left.append(path)
        return left

    def _begins_as_sent(self, path: str, sent: UploadedFile) -> bool:
        """Whether the rows that were sent still stand at the beginning of an event file."""
        try:
            with (self._root / path).open("rb") as file:
                digest = digest_of(file, sent.signature.size_bytes)
                return digest is not None and digest == sent.digest
        except FileNotFoundError:
            return True  # deleted this moment: sending it finds that out

    def _note_foreign(self, client: RunClient, path: str, size_bytes: int) -> None:
        if self._merge_remote is None:
            self._state.files.pop(path, None)  # to be joined when its turn comes
        else:
            self._take_theirs(client, path, size_bytes)

    def _take_theirs(self, client: RunClient, path: str, size_bytes: int) -> bool:
        """Deal with rows that another attempt wrote; whether there is something to send then."""
        if self._merge_remote is None:
            self._to_join[path] = size_bytes
            return True
        theirs = self._shipping.fetch(client, path, size_bytes)
        place = self._root / path
        self._merge_remote(place, theirs)
        self._has_merged = True
        before = self._state.files.get(path)
        # Of no state that the file here can be in, so that it is sent.
        signature = FileSignature(size_bytes=len(theirs), modified_ns=0)
        is_all = place.read_bytes().rstrip(b"\n") == theirs.rstrip(b"\n")
        if is_all:
            signature = FileSignature.from_stat(place.stat())
        self._state.files[path] = UploadedFile(
            signature=signature,
            remote_bytes=len(theirs),
            digest=hashlib.md5(theirs, usedforsecurity=False).hexdigest(),
            spent_bytes=0 if before is None else before.spent_bytes,
        )
        self._state_file.save_soon()
        return not is_all

    def _replace_folders(self, client: RunClient, due: list[str]) -> set[str]:
        """Send folders of many due files as archives that take their place.

        The server gets the whole archive before it touches the folder, so that an upload that
        breaks off changes nothing there. It then has the folder away for as long as it unpacks.

        Returns:
            The paths that have been dealt with.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
        """
        done: set[str] = set()
        looked_at = set(due)  # of those the beginnings have been looked at
        folders = replaced_folders(due, self.found, busy=self._to_join.keys())
        for folder, paths in folders.items():
            tree = client.get_tree(folder)
            # One that the server does not have yet needs no replacing, and goes with the others.
            if tree.error is not None or not self._is_all_ours(folder, tree):
                continue
            if not all(self._continues(path) for path in paths if path not in looked_at):
                continue
            before = {path: sent for path in paths if (sent := self._state.files.get(path))}
            try:
                arrived = self._shipping.send_together(
                    client, paths, replaces=tree.files, before=before
                )
            except (AxonlogError, OSError) as error:
                # Nobody knows how far it came; a server that is away is asked by the next step.
                self._unsure.update(paths)
                if concerns_all(error):
                    raise
                self._forget_missing(client, paths)
                self._unsure.difference_update(paths)
                _log.debug("%s: an archive was not taken: %s", self._label, error)
                continue
            if arrived is not None:
                self._confirm(client, arrived)
                done.update(arrived)
        return done

    def _continues(self, path: str) -> bool:
        """Whether sending a file takes no row from the server; it may be one that is not due."""
        sent = self._state.files.get(path)
        if sent is None or sent.signature == self.found[path] or not is_event_file(path):
            return True
        return self._begins_as_sent(path, sent)

    def _is_all_ours(self, folder: str, tree: ArtifactTree) -> bool:
        """Whether the server's folder holds what was sent from here, and nothing else."""
        known = {f"{folder}/{name}": size for name, size in tree.files.items()}
        sent = self._state.files
        return not tree.dirs and all(
            path in self.found
            and path in sent
            and size == sent[path].remote_bytes == sent[path].signature.size_bytes
            for path, size in known.items()
        )

    def _forget_missing(self, client: RunClient, paths: Iterable[str]) -> None:
        """Take from the sync state what the server turns out not to have."""
        for path in missing(client, {p: s for p in paths if (s := self._state.files.get(p))}):
            self._state.files.pop(path, None)

    def _ship(self, client: RunClient, paths: list[str]) -> Mapping[str, UploadedFile]:
        arrived: dict[str, UploadedFile] = {}
        if len(paths) > 1 and not self._to_join.keys() & set(paths):
            try:
                together = self._shipping.send_together(client, paths)
            except (ServerError, OSError) as error:
                if concerns_all(error):
                    raise
                # One by one they tell which of them it is.
                _log.debug("%s: an archive was not taken: %s", self._label, error)
            else:
                if together is not None:
                    return together
        for path in paths:
            version = self.found[path]
            before = self._state.files.get(path)
            try:
                if path in self._to_join:
                    arrived[path] = self._join(client, path, before)
                else:
                    arrived[path] = self._shipping.send(client, path, before)
            except FileNotFoundError:
                continue  # deleted meanwhile: nothing is left to send
            except (AxonlogError, OSError) as error:
                self._attempts.note_failure("file", path, version, error)
        return arrived

    def _join(self, client: RunClient, path: str, before: UploadedFile | None) -> UploadedFile:
        """Send the rows there and those here as one file, without touching the one here."""
        theirs = self._shipping.fetch(client, path, self._to_join[path])
        with (self._root / path).open("rb") as file:
            signature = FileSignature.from_stat(os.fstat(file.fileno()))
            ours = file.read()
        joined = merge_rows(theirs, ours)
        if joined != ours.rstrip(b"\n"):
            self._on_joined(path, joined)
        if joined == theirs.rstrip(b"\n"):
            sent = UploadedFile(signature=signature, remote_bytes=len(theirs))
        else:
            sent = self._shipping.send_instead(client, path, joined, signature, before)
        del self._to_join[path]
        return sent

    def _confirm(self, client: RunClient, batch: Mapping[str, UploadedFile]) -> None:
        if not batch:
            return
        problems = missing(client, dict(batch))
        for path, sent in batch.items():
            self._sent_at[path] = self._clock()
            if path in problems:
                self._attempts.note_failure("file", path, self.found[path], problems[path])
            else:
                self._state.files[path] = sent
                self._attempts.note_success("file", path)
        self._state_file.save_soon()

    def _keep_back(self, path: str, size_bytes: int) -> None:
        self._state.files[path] = UploadedFile(signature=self.found[path], remote_bytes=size_bytes)
        if not self.kept_back:
            _log.warning(
                "%s: %s stays here, for the server has a newer one of another attempt; rename "
                "it if it is to be sent",
                self._label,
                path,
            )
        self.kept_back.add(path)
