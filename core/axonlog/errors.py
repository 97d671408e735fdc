"""What can go wrong, as a tree.

AxonlogError
├── ContextError             the settings do not say where the run belongs, or contradict each other
│   ├── CacheError           a ``.polyaxon`` file cannot be read (``.path``)
│   └── ArgumentTypeError    an argument has the wrong type; also a ``TypeError``
├── AuthenticationError      credentials are missing where they are needed, or were refused
├── TransportError           the server could not be reached, or did not answer; a retry may help
├── ServerError              the server answered with an error (``.status``, ``.detail``)
│   ├── RefusedError         that error is 401 or 403; also an ``AuthenticationError``
│   └── MissingRunError      the run to be continued is not there; also a ``ContextError``
└── EventError               a value, name, step or time cannot be logged; also a ``ValueError``

No message and no attribute of these ever holds a token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

TransportReason = Literal["refused", "timeout", "reset", "tls", "name", "proxy", "file", "other"]


class AxonlogError(Exception):
    """Base of everything that axonlog raises on purpose."""


class ContextError(AxonlogError):
    """The context cannot be resolved: something is missing, wrong or contradictory."""


class CacheError(ContextError):
    """A file of the Polyaxon command line cannot be read or holds something else."""

    def __init__(self, message: str, *, path: Path | str | None = None) -> None:
        super().__init__(message)
        self.path = None if path is None else Path(path)


class ArgumentTypeError(ContextError, TypeError):
    """An argument has a type that cannot mean anything here."""


class _RequestError(AxonlogError):
    """What every failed request knows: the method and the URL, without secrets."""

    def __init__(self, message: str, *, method: str | None = None, url: str | None = None) -> None:
        super().__init__(message)
        self.method = method
        self.url = url


class TransportError(_RequestError):
    """No usable answer came, for the ``reason`` given; ``file``: what was sent cannot be read."""

    def __init__(
        self,
        message: str,
        *,
        reason: TransportReason = "other",
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, method=method, url=url)
        self.reason = reason


class ServerError(_RequestError):
    """The server answered, and the answer is an error.

    ``status`` is the HTTP status and ``detail`` the server's own words, if it gave any.
    ``retry_after_s`` is what a 429 or 503 asked for, in seconds. ``is_disguised`` tells what
    Polyaxon answers to a write when it failed inside, and is really a 500: a 405 with an empty
    page, or for a file a 400 that says it could not be stored.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        detail: str | None = None,
        method: str | None = None,
        url: str | None = None,
        retry_after_s: float | None = None,
        is_disguised: bool = False,
    ) -> None:
        super().__init__(message, method=method, url=url)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.is_disguised = is_disguised


class AuthenticationError(AxonlogError):
    """Credentials are missing where they are needed, or were refused."""


class RefusedError(ServerError, AuthenticationError):
    """The server answered 401 or 403: it does not accept these credentials."""


class MissingRunError(ServerError, ContextError):
    """The run that was to be continued is not on the server."""


class EventError(AxonlogError, ValueError):
    """A value, name, step or time cannot be logged as given, or an event file is damaged."""

    def __init__(
        self, message: str, *, path: Path | str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.path = None if path is None else Path(path)
        self.line = line
