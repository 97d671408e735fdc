"""What surrounds a run: the machine, the packages, the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_GIT_PATIENCE_S = 5


def describe_environment() -> dict[str, Any]:
    """The interpreter, the machine and the installed packages; no variables, no arguments.

    Command lines and environment variables are where people put their tokens.
    """
    packages = {
        distribution.metadata["Name"]: distribution.version
        for distribution in importlib.metadata.distributions()
        if distribution.metadata["Name"]
    }
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def describe_code() -> dict[str, Any] | None:
    """The commit that the working directory is at, or None outside a git checkout.

    Returns:
        ``commit``, ``branch``, ``url`` (without credentials) and ``is_dirty``.
    """
    try:
        directory = Path.cwd()
    except FileNotFoundError:
        return None  # somebody deleted it
    commit = _git(directory, "rev-parse", "HEAD")
    if not commit:
        return None
    url = _git(directory, "config", "--get", "remote.origin.url")
    return {
        "commit": commit,
        "branch": _git(directory, "rev-parse", "--abbrev-ref", "HEAD") or None,
        "url": _without_credentials(url) if url else None,
        "is_dirty": bool(_git(directory, "status", "--porcelain")),
    }


def _without_credentials(url: str) -> str:
    """The address of a remote, without what may be secret: user, password, query."""
    if "://" not in url:
        return url  # host:path, which has no room for a password, or a path
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "unknown"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  # fixed words only
            ["git", "-C", str(directory), *arguments],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            timeout=_GIT_PATIENCE_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git, no checkout, no commit yet, or a file system that does not answer
    return done.stdout.strip()
