"""Read the files of the Polyaxon command line; nothing is ever repaired, rewritten or deleted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axonlog.context._advice import polyaxon_command
from axonlog.errors import CacheError

_FLAT_LINE = re.compile(r"(?P<key>[A-Za-z_][\w-]*)\s*:(?:\s+(?P<value>.*))?")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_text(path: Path, *, what: str) -> str | None:
    """The text of ``path``, or None when there is no such file (a directory counts as none).

    Raises:
        CacheError: It is there but cannot be read, or it is not UTF-8.
    """
    try:
        if not path.is_file():
            return None
        # Some editors on Windows begin a file with a byte order mark.
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CacheError(f"{what} {path} is not UTF-8 text", path=path) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CacheError(f"{what} {path} cannot be read: {reason}", path=path) from error


def read_json(path: Path, *, what: str, advice: str | None = None) -> Mapping[str, Any] | None:
    """The JSON object in ``path``, or None when there is no such file.

    Args:
        path: The file.
        what: What it is, for the error: the words before its path.
        advice: What to do about a file that holds something else; for a cache if not given.

    Raises:
        CacheError: It cannot be read or holds something else.
    """
    content = read_text(path, what=what)
    return None if content is None else _json_object(content, path, what, advice)


def read_mapping(path: Path, *, what: str) -> Mapping[str, Any] | None:
    """The JSON object or YAML mapping in ``path``, or None when there is no such file.

    Raises:
        CacheError: It cannot be read or holds something else.
    """
    content = read_text(path, what=what)
    if content is None:
        return None
    # YAML would read `{bad json}` as a mapping, and hide a truncated or damaged file.
    if content.lstrip()[:1] in ("{", "[", ""):
        return _json_object(content, path, what, None)
    found = _flat_mapping(content)
    if found is None:
        raise CacheError(
            f"{what} {path} is neither a JSON object nor plain `key: value` lines; {_advice()}",
            path=path,
        )
    return found


def _advice() -> str:
    purge = polyaxon_command("config purge --cache-only")
    return f"correct or remove it ({purge} empties the caches)"


def _json_object(content: str, path: Path, what: str, advice: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        # Not chained: the decoder keeps the whole text, which may hold a token.
        problem = "is empty" if not content.strip() else "is not valid JSON"
        raise CacheError(f"{what} {path} {problem}; {advice or _advice()}", path=path) from None
    if not isinstance(found, dict):
        kind = {"NoneType": "null", "str": "text", "list": "a list"}.get(
            type(found).__name__, "a number"
        )
        raise CacheError(
            f"{what} {path} holds {kind}, not a JSON object; {advice or _advice()}", path=path
        )
    return found


def _flat_mapping(content: str) -> dict[str, Any] | None:
    """The top-level scalars of YAML such as the command line writes; None if it is not that.

    PyYAML would be a dependency for four small files. Nested values are skipped: no setting of
    ours is nested.
    """
    found: dict[str, Any] = {}
    nested = False
    for line in content.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#") or bare in ("---", "..."):
            continue
        if line[0] == "\t" or "\t" in line[: len(line) - len(line.lstrip())]:
            return None
        if line[0] == " " or bare == "-" or bare.startswith("- "):
            if not nested:
                return None
            continue
        match = _FLAT_LINE.fullmatch(bare)
        if match is None:
            return None
        value = match["value"] or ""
        nested = not value
        found[match["key"]] = _scalar(value)
    return found or None


def _scalar(text: str) -> object:
    if text[:1] in ("'", '"'):
        closing = text.find(text[0], 1)
        return text[1:closing] if closing > 0 else text
    text = re.split(r"\s+#", text, maxsplit=1)[0].strip()
    if text in _NULLS:
        return None
    if text in ("true", "True", "false", "False"):
        return text.lower() == "true"
    # A number stays a number, so that `name: 5` is refused here as it is in JSON.
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    return [] if text[:1] in ("[", "{", "|", ">", "&", "*", "!") else text


def belongs_to_another_user(path: Path) -> bool:
    """Whether somebody else could have put ``path`` there: not this user, and not root."""
    if not hasattr(os, "getuid"):
        return False
    trusted = (0, os.getuid())
    for look in (path.parent.lstat, path.lstat, path.stat):
        try:
            if look().st_uid not in trusted:
                return True
        except OSError:
            return False
    return False
