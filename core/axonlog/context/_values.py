"""Read single values: text, flags, numbers, tokens, hosts, uuids.

Every function takes the raw value and its origin, returns None for "nothing said" (absent, null,
empty or blank), and raises an error that names the origin for anything that makes no sense.
The same rules hold for variables, files and arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr

from axonlog.context._origin import Origin
from axonlog.errors import AuthenticationError

CLOUD_HOST = "https://cloud.polyaxon.com"

# The library of the same name takes this word as "send no token, whatever is cached".
NO_TOKEN = "no-auth"  # noqa: S105
_TRUE = frozenset({"true", "1", "yes", "y", "on", "t"})
_FALSE = frozenset({"false", "0", "no", "n", "off", "f"})


def text(raw: object, origin: Origin) -> str | None:
    """The text as given."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise origin.refuse_type(f"must be text, not {_kind(raw)}")
    return raw if raw.strip() else None


def path(raw: object, origin: Origin) -> str | None:
    """The text of a path."""
    if isinstance(raw, PathLike):
        raw = fspath(raw)
    return text(raw, origin)


def flag(raw: object, origin: Origin) -> bool | None:
    """True or false; spelled in words where the value comes from a variable or a file."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        word = raw.strip().lower()
        if not word:
            return None
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    elif isinstance(raw, (int, float)) and raw in (0, 1):
        return bool(raw)
    raise origin.refuse(f"{raw!r} is neither true nor false; write true or false")


def strict_flag(raw: object, origin: Origin) -> bool | None:
    """True or false as Python says it: the text "false" would be a trap."""
    if isinstance(raw, str):
        raise origin.refuse_type(f"must be True or False, not the text {raw!r}")
    if raw is None or (isinstance(raw, (bool, int)) and raw in (0, 1)):
        return None if raw is None else bool(raw)
    raise origin.refuse_type(f"must be True or False, not {_kind(raw)}")


def seconds(raw: object, origin: Origin) -> float | None:
    """A number of seconds; 0 means no limit."""
    value = _number(raw, origin)
    if value is None:
        return None
    if not math.isfinite(value) or value < 0:
        raise origin.refuse(f"{raw!r} is not a usable number of seconds; 0 means no limit")
    return value


def count(raw: object, origin: Origin) -> int | None:
    """A whole number, 0 or more."""
    value = _number(raw, origin)
    if value is None:
        return None
    if not math.isfinite(value) or value < 0 or value != int(value):
        raise origin.refuse(f"{raw!r} is not a whole number of 0 or more")
    return int(value)


def positive_count(raw: object, origin: Origin) -> int | None:
    """A whole number, 1 or more."""
    value = count(raw, origin)
    if value == 0:
        raise origin.refuse(f"{raw!r} is not a whole number of 1 or more")
    return value


def _number(raw: object, origin: Origin) -> float | None:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise origin.refuse(f"must be a number, not {_kind(raw)}")
    try:
        return float(raw)
    except (ValueError, OverflowError):
        raise origin.refuse(f"{raw!r} is not a number") from None


def header_text(raw: object, origin: Origin) -> str | None:
    """Text that can travel in an HTTP header."""
    value = text(raw, origin)
    if value is None:
        return None
    value = value.strip()
    if not value.isascii() or not value.isprintable():
        raise origin.refuse(f"{value!r} cannot be sent in an HTTP header")
    return value


def token(raw: object, origin: Origin) -> SecretStr | None:
    """The token, hidden; a `SecretStr` of nothing where the source says to send none.

    Raises:
        AuthenticationError: It cannot be sent in an HTTP header.
    """
    if isinstance(raw, SecretStr):
        raw = raw.get_secret_value()
    if raw is None:
        return None
    if not isinstance(raw, str):
        # The value itself stays out of the message: a number can be a token that lost its quotes.
        raise origin.refuse_type(f"the token must be text, not {_kind(raw)}")
    value = raw.strip()
    if not value:
        return None
    if value == NO_TOKEN:
        return SecretStr("")
    if not value.isascii() or not value.isprintable():
        raise AuthenticationError(
            f"{origin}: the token holds characters that cannot be sent in an HTTP header; "
            "copy it again"
        )
    return SecretStr(value)


def host(raw: object, origin: Origin) -> str | None:
    """An http or https address without a trailing slash."""
    value = text(raw, origin)
    if value is None:
        return None
    value = value.strip()
    shown = _without_secrets(value)
    advice = "write it like https://polyaxon.example.org"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise origin.refuse(f"host {shown!r} is not an address; {advice}") from None
    if parts.username is not None or parts.password is not None:
        # Not quoted: it may hold a password.
        raise origin.refuse(
            "the host must not hold a user name or password; use POLYAXON_AUTH_TOKEN"
        )
    if parts.scheme not in ("http", "https"):
        raise origin.refuse(f"host {shown!r} must begin with http:// or https://; {advice}")
    if "?" in value or "#" in value:
        raise origin.refuse(
            f"host {shown!r} must not have anything after a '?' or a '#'; {advice}, and give a "
            "token in POLYAXON_AUTH_TOKEN"
        )
    if not parts.hostname or re.search(r"\s", value):
        raise origin.refuse(f"host {shown!r} is not an address; {advice}")
    return value.rstrip("/")


def _without_secrets(address: str) -> str:
    """``address`` as far as it may be quoted: no user or password, no query, no fragment."""
    kept = re.split(r"[?#]", address, maxsplit=1)[0]
    if "@" not in kept:
        return kept
    scheme, separator, _ = kept.rpartition("://")
    return f"{scheme}{separator}...@{kept.rpartition('@')[2]}"


def same_host(one: str, other: str) -> bool:
    """Whether two cleaned addresses mean the same server."""
    return _server(one) == _server(other)


def _server(address: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path


def uuid(raw: object, origin: Origin) -> str | None:
    """A run's uuid as 32 hexadecimal digits."""
    value = raw.hex if isinstance(raw, UUID) else text(raw, origin)
    if value is None:
        return None
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}", value):
        try:
            return UUID(value).hex
        except ValueError:
            pass  # told below, with the other malformed ones
    raise origin.refuse(f"{value!r} is not a run's uuid (32 hexadecimal digits)")


def verbatim_uuid(raw: object, origin: Origin) -> str | None:
    """A run's uuid, checked, but spelled as given."""
    return None if uuid(raw, origin) is None else text(raw, origin)


def tags(raw: object, origin: Origin) -> tuple[str, ...] | None:
    """Tags from a list of texts or from one text with commas."""
    if raw is None:
        return None
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, Iterable) or isinstance(raw, (bytes, Mapping)):
        raise origin.refuse_type(f"tags must be a list of texts, not {_kind(raw)}")
    found: list[str] = []
    for tag in raw:
        if not isinstance(tag, str):
            raise origin.refuse_type(f"a tag must be text, not {_kind(tag)}")
        if tag.strip():
            found.append(tag.strip())
    return tuple(found)


def _kind(value: object) -> str:
    return type(value).__name__
