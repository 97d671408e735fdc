"""URLs of the server, as text: built from names, and shown without secrets."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from axonlog.errors import ContextError


def api_path(*segments: str) -> str:
    """Path below the host of something of the API, each segment quoted.

    Raises:
        ContextError: A segment is empty or is ``.`` or ``..``, which would name something else.
    """
    return "/api/v1/" + "/".join(map(_quoted, segments))


def streams_path(*segments: str) -> str:
    """Path below the host of something of the streams service (files, events), quoted.

    Raises:
        ContextError: A segment is empty or is ``.`` or ``..``, which would name something else.
    """
    return "/streams/v1/" + "/".join(map(_quoted, segments))


def public_url(url: str) -> str:
    """``url`` without user, password, query and fragment: what an error may show."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _quoted(segment: str) -> str:
    if segment in ("", ".", ".."):
        raise ContextError(f"{segment!r} cannot be the name of an owner, a project or a run")
    return quote(segment, safe="")
