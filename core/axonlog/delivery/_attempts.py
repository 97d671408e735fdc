"""Send one thing after the other, so that one that fails does not hold up the others."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from axonlog.client import is_retryable
from axonlog.errors import AxonlogError, ServerError

from ._failure_tracker import FailureTracker, concerns_all

_log = logging.getLogger("axonlog")

# Of which a 404 says that the run is not there: files are taken for any run.
_ABOUT_THE_RUN = frozenset({"status", "field", "lineage"})


class RunGoneError(AxonlogError):
    """The server does not know the run that it was told of."""


class Attempts:
    """The attempts of one delivery, and what came of them.

    Attributes:
        sent: Kind and name of everything that the server took.
        failures: What failed in this step and may get better, by kind.
    """

    def __init__(self, tracker: FailureTracker, *, label: str) -> None:
        self.tracker = tracker
        self.sent: set[tuple[str, str]] = set()
        self.failures: dict[str, Exception] = {}
        self._successes: Counter[str] = Counter()
        self._label = label
        self._is_told = False

    def begin_step(self) -> None:
        """Forget what failed in the last step."""
        self.failures.clear()
        self._successes.clear()

    def end_step(self) -> None:
        """Judge the step.

        Raises:
            Exception: Nothing of one kind got through: that is the server's failure.
        """
        for kind, error in self.failures.items():
            if not self._successes[kind]:
                raise error

    def attempt(self, kind: str, name: str, version: object, send: Callable[[], None]) -> bool:
        """Send one thing, if its time has come.

        Returns:
            Whether the server took it.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
            RunGoneError: It does not know the run.
        """
        if not self.tracker.may_try(kind, name, version):
            return False
        try:
            send()
        except (AxonlogError, OSError) as error:
            self.note_failure(kind, name, version, error)
            return False
        self.note_success(kind, name)
        return True

    def attempt_all(self, kind: str, names: Iterable[str], send: Callable[[], None]) -> bool:
        """Send several things of one kind in one request.

        Returns:
            Whether the server took them. If not, one of them may be the reason.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
            RunGoneError: It does not know the run.
        """
        try:
            send()
        except (AxonlogError, OSError) as error:
            self._raise_if_hopeless(kind, error)
            return False
        for name in names:
            self.note_success(kind, name)
        return True

    def note_success(self, kind: str, name: str) -> None:
        """The server took it."""
        self.tracker.note_success(kind, name)
        self.sent.add((kind, name))
        self._successes[kind] += 1

    def note_failure(self, kind: str, name: str, version: object, error: Exception) -> None:
        """The server, or the disk, did not give it.

        Raises:
            TransportError: The server does not answer.
            ServerError: It is in no state to take anything.
            RunGoneError: It does not know the run.
        """
        self._raise_if_hopeless(kind, error)
        if not self.tracker.note_failure(kind, name, version, error):
            self.failures.setdefault(kind, error)
            return
        # The first is told, the others are counted: one reason mostly stands behind all.
        _log.log(
            logging.INFO if self._is_told else logging.WARNING,
            "%s: the server does not take %s %r%s; the rest is sent on: %s",
            self._label,
            kind,
            name,
            "" if not is_retryable(error) else ", however often it is tried",
            error,
        )
        self._is_told = True

    @staticmethod
    def _raise_if_hopeless(kind: str, error: Exception) -> None:
        if concerns_all(error):
            raise error
        if kind in _ABOUT_THE_RUN and isinstance(error, ServerError) and error.status == 404:
            raise RunGoneError(str(error)) from error
