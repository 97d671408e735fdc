"""What kind of failure is this? Pure decisions about the errors of the client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from axonlog.errors import RefusedError, ServerError, TransportError

from ._urls import public_url

_RETRYABLE_STATUSES = frozenset({408, 425, 429})
_DETAIL_LIMIT = 1000
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What the file service says, with a 400, when it could not store a file: mostly its disk.
_NOT_STORED = "artifacts upload was unsuccessful"


def is_retryable(error: BaseException) -> bool:
    """Whether sending the same request again may succeed.

    True when no usable answer came, for 408, 425, 429 and every 5xx, for the 405 and the 400 that
    stand for a failure inside the server, and for a success that is not Polyaxon's (a page of a
    proxy). A request that is wrong for good can look like a failure inside, so retries must be
    bounded.
    """
    if isinstance(error, TransportError):
        return True
    if not isinstance(error, ServerError):
        return False
    return (
        error.is_disguised
        or error.status < 300
        or error.status >= 500
        or error.status in _RETRYABLE_STATUSES
    )


def is_already_there(error: BaseException) -> bool:
    """Whether the server refused to create something because it exists under that name."""
    return (
        isinstance(error, ServerError)
        and error.status in (400, 409)
        and "already exists" in (error.detail or "")
    )


def server_error(
    *,
    method: str,
    url: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secret: str | None,
    proxy: str = "",
) -> ServerError:
    """The error for an answer of 300 or more; ``url`` is already fit to be shown.

    ``proxy`` names the proxy that may have answered instead of the server.
    ``secret`` is blotted out should the server quote it.
    """
    content_type = headers.get("Content-Type", "")
    if secret:
        body = body.replace(secret.encode(), b"***")
    detail = _detail(body, content_type)
    is_blank = (
        status == 405 and method in _WRITES and not body and content_type.startswith("text/html")
    )
    said = f"{method} {url}{proxy}: the server answered {status}"
    if is_blank:
        said += " with an empty page: it failed inside"
    elif 300 <= status < 400:
        target = public_url(headers.get("Location", ""))
        said += f" and points to {target!r}: give that server as the host"
    elif detail:
        said += f": {detail}"
    if status in (401, 403):
        return RefusedError(
            f"{said}; check the token and its rights",
            status=status,
            detail=detail,
            method=method,
            url=url,
        )
    return ServerError(
        said,
        status=status,
        detail=detail,
        method=method,
        url=url,
        retry_after_s=retry_after_s(headers.get("Retry-After"), now=_date(headers.get("Date"))),
        is_disguised=is_blank or (status == 400 and _NOT_STORED in (detail or "")),
    )


def retry_after_s(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait: a number of seconds or an HTTP date.

    None when there is no header or it says neither. ``now`` is the time by the clock that made
    the date: the server's, and ours only if its answer does not tell.
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _date(text)
    if moment is None:
        return None
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _detail(body: bytes, content_type: str) -> str | None:
    """The server's own words: JSON in the shapes it uses, or a line of plain text."""
    text = body.decode(errors="replace").strip()
    if not text:
        return None
    try:
        words = _words(json.loads(text))
    except ValueError:
        # The file service sends plain words and calls them text/html; a real page starts with <.
        if text.startswith("<") or not content_type.startswith("text/"):
            return None
        words = text
    # In a log it must be one line, and no command to a terminal.
    line = " ".join(words.split())[:_DETAIL_LIMIT]
    return "".join(c if c.isprintable() else "?" for c in line) or None


def _words(value: object) -> str:
    if isinstance(value, dict):
        if isinstance(value.get("detail"), str):
            return str(value["detail"])
        return "; ".join(f"{key}: {_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    return str(value)
