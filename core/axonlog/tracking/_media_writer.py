"""Brings what a user logged as an image, a sound or a text into the run's files.

The log call keeps the value on disk, in the run's spool, and returns; a thread encodes it. Whatever
is not encoded when the process ends, or dies, is encoded by whoever opens the run next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from axonlog.media import Snapshot
from axonlog.store import RunStore, SpooledEvent, Ticket, copy_asset, encode_event

_log = logging.getLogger("axonlog")


class MediaWriter:
    """The events of one process that have to be encoded. Any thread may put some in.

    There is a thread only while there is something to encode.

    Args:
        store: Of the run.
        tolerating_disk_failure: Around what may fail because of the disk: reports it, goes on.
    """

    def __init__(
        self,
        store: RunStore,
        tolerating_disk_failure: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._store = store
        self._tolerating_disk_failure = tolerating_disk_failure
        self._waiting: deque[Ticket] = deque()
        # Reentrant: a signal handler of the user's may log an image, too.
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    def put(self, name: str, step: int | None, timestamp: datetime, snapshot: Snapshot) -> None:
        """Keep an event; it survives the process from here on.

        Raises:
            OSError: It could not be kept.
        """
        kind, source = snapshot.kind.value, snapshot.source
        if source is not None:
            # The caller may delete or overwrite it at once.
            source = copy_asset(
                self._store.directory,
                source,
                kind=kind,
                name=name,
                step=step,
                extension=snapshot.parameters["extension"],
            )
        event = SpooledEvent(
            name,
            step,
            timestamp,
            kind,
            snapshot.encoder,
            snapshot.parameters,
            snapshot.buffers,
            source,
        )
        # Together: rows stand in the order of the calls.
        with self._lock:
            self._waiting.append(self._store.spool.put(event))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="axonlog-media", daemon=True)
                self._thread.start()

    def finish(self, deadline: float) -> None:
        """Wait until all is encoded, or until ``deadline`` on the monotonic clock."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(max(0.0, deadline - time.monotonic()))
        if self._waiting:
            _log.warning(
                "%s: %d images, sounds or videos are not encoded yet; nothing of them is lost: "
                "they are encoded when the run is opened again, or by `axonlog sync`",
                self._store.directory.path.name,
                len(self._waiting),
            )

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                ticket = self._waiting[0]
            try:
                with self._tolerating_disk_failure():
                    self._encode(ticket)
            finally:
                self._waiting.popleft()

    def _encode(self, ticket: Ticket) -> None:
        try:
            event = ticket.take()
            value = encode_event(self._store.directory, event)
            self._store.append_event(event.kind, event.name, event.step, event.timestamp, value)
        except OSError:
            raise
        except ImportError as error:
            # Installed elsewhere, or later: it stays in the spool.
            _log.warning("%s %r, step %s: %s", event.kind, event.name, event.step, error)
        except Exception as error:  # noqa: BLE001  # an encoder may raise anything; the others go on
            ticket.set_aside(error)
        else:
            ticket.done()
