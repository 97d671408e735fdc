"""Refresh a store in the background."""

from __future__ import annotations

import logging
import threading

from ._file_lock import LOCK_TIMEOUT_S
from ._store import RunStore

_log = logging.getLogger("axonlog")


class BackgroundFlusher:
    """A daemon thread that refreshes a store about once in ``interval_s`` seconds."""

    def __init__(self, store: RunStore, *, interval_s: float = 1.0) -> None:
        self._store = store
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="axonlog-flusher", daemon=True)

    def start(self) -> None:
        """Begin; called once."""
        self._thread.start()

    def stop(self, *, timeout_s: float = LOCK_TIMEOUT_S) -> None:
        """End, and wait for a refresh that is under way until the timeout.

        That refresh may need a lock of the thread that calls this from a signal handler.
        """
        self._stopping.set()
        self._thread.join(max(0.0, timeout_s))

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self._store.refresh()
            except Exception as error:  # noqa: BLE001  # the top of a thread: training must not end for this
                if not self._is_failing:
                    self._is_failing = True
                    _log.warning(
                        "cannot bring the files in %s up to date, will keep trying; nothing of "
                        "the journal is lost: %s",
                        self._store.directory.path,
                        error,
                        exc_info=None if isinstance(error, OSError) else error,
                    )
            else:
                self._is_failing = False
