"""What surrounds a run: the machine, the packages, the code."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_GIT_TIMEOUT_S = 5

# The file that names an installed package, by the ending of its directory beside the package.
_METADATA_FILES = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
# Name and version stand at its top; the description below may be long.
_METADATA_HEAD_BYTES = 2048

# In what was captured here, so that nothing else is ever replaced by a later capture.
CAPTURE_MARK = {"captured_by": "axonlog"}


def is_captured(path: Path) -> bool:
    """Whether a file is missing, or holds what an earlier attempt captured here."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and CAPTURE_MARK.items() <= document.items()


def describe_environment() -> dict[str, Any]:
    """The interpreter, the machine and the installed packages; no variables, no arguments.

    Command lines and environment variables are where people put their tokens.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "packages": installed_packages(),
    }


def installed_packages() -> dict[str, str]:
    """The version of each installed package by name, in the order of their names.

    ``importlib.metadata`` parses each file whole, as an e-mail: for 150 packages that is longer
    than the rest of a short run.
    """
    folders = []
    for entry in sys.path:
        try:
            folders.append((entry or ".", os.stat(entry or ".").st_mtime_ns))  # noqa: PTH116  # fast
        except OSError:
            continue  # a path that nothing is at, such as that of the zipped standard library
    return dict(_packages_in(tuple(folders)))


@functools.lru_cache(maxsize=1)
def _packages_in(folders: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """The packages of ``folders``; to install or remove one changes the folder's time."""
    found: dict[str, str] = {}
    for folder, _ in folders:
        try:
            names = os.listdir(folder)  # noqa: PTH208  # names alone, fast
        except OSError:
            continue  # a zip file, or a folder that may not be read
        for name in names:
            file = _METADATA_FILES.get(os.path.splitext(name)[1])  # noqa: PTH122  # fast
            package = _read_package(f"{folder}/{name}", file) if file else None
            if package:
                found.setdefault(*package)  # what comes first on the path is what is imported
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _read_package(path: str, file: str) -> tuple[str, str] | None:
    for metadata in (f"{path}/{file}", path):  # an old egg-info is the file itself
        try:
            with open(metadata, "rb") as opened:  # noqa: PTH123  # fast
                head = opened.read(_METADATA_HEAD_BYTES).decode(errors="replace")
        except OSError:
            continue
        fields: dict[str, str] = {}
        for line in head.splitlines():
            key, separator, value = line.partition(":")
            if not separator:
                break  # the empty line before the description
            fields.setdefault(key, value.strip())
        name, version = fields.get("Name"), fields.get("Version")
        return (name, version) if name and version else None
    return None


def describe_code() -> dict[str, Any] | None:
    """The commit that the working directory is at, or None outside a git checkout.

    Returns:
        ``commit``, ``branch``, ``url`` (without credentials) and ``is_dirty``.
    """
    try:
        directory = Path.cwd()
    except FileNotFoundError:
        return None  # somebody deleted it
    (head,) = _git(directory, ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"))
    if not head:
        return None
    commit, _, branch = head.partition("\n")
    url, changes = _git(
        directory, ("config", "--get", "remote.origin.url"), ("status", "--porcelain")
    )
    return {
        "commit": commit,
        "branch": branch or None,
        "url": _without_credentials(url) if url else None,
        "is_dirty": bool(changes),
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


def _git(directory: Path, *commands: tuple[str, ...]) -> list[str | None]:
    """What each of ``commands`` prints, all run at once; None for one that fails."""
    git = shutil.which("git")
    if git is None:
        return [None] * len(commands)
    deadline = time.monotonic() + _GIT_TIMEOUT_S
    with contextlib.ExitStack() as stack:
        started = [_start(stack, [git, "-C", str(directory), *command]) for command in commands]
        return [None if process is None else process.output(deadline) for process in started]


def _start(stack: contextlib.ExitStack, command: list[str]) -> _Process | None:
    try:
        return stack.enter_context(_Process(command))
    except OSError:
        return None  # it cannot be run, or there is no room for what it prints


class _Process:
    """A command that prints into a file.

    Not into a pipe: a child that the training forks meanwhile, such as a data loader's worker,
    inherits the pipe's other end, and the end of the output would come when that child ends. For
    the same reason ``close_fds`` is off: then Python starts the command without a pipe of its own.
    """

    def __init__(self, command: list[str]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        try:
            self._process = subprocess.Popen(  # noqa: S603  # fixed words only
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._file,
                stderr=subprocess.DEVNULL,
                close_fds=False,
            )
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # a file system that does not answer
        self._process.wait()
        self._file.close()

    def output(self, deadline: float) -> str | None:
        """What it prints; None if it fails, or takes longer than until ``deadline``."""
        try:
            code = self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        if code:
            return None  # there is no checkout, or no commit yet
        self._file.seek(0)
        try:
            return self._file.read().decode().strip()
        except UnicodeDecodeError:
            return None
