"""Who writes a run, and whether that process still lives."""

from __future__ import annotations

import functools
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path

from axonlog.errors import CacheError

from ._files import write_json
from .journal import can_be_mapped

# A process on another machine cannot be asked; it gives a sign of life now and then.
SIGN_INTERVAL_S = 30.0
_SILENCE_S = 300.0


@dataclass(frozen=True)
class Owner:
    """A process, told apart from all others: a pid is given again, after a boot at the latest.

    What a system does not tell is None. ``started`` is in clock ticks since the boot.
    ``since`` is for people. ``folder`` is the inode of the folder in which the note lies: a copy
    of it has another one.
    """

    pid: int
    started: int | None
    boot_id: str | None
    pid_namespace: str | None
    machine_id: str | None
    host: str
    since: str
    folder: int | None = None

    def write(self, path: Path) -> None:
        """Leave a note on this process in ``path``, whose folder is there.

        Raises:
            OSError: It cannot be written.
        """
        # Elsewhere inodes may change by themselves.
        folder = path.parent.stat().st_ino if can_be_mapped(path.parent) else None
        write_json(path, asdict(replace(self, folder=folder)))


def this_process() -> Owner:
    """The process that asks."""
    pid, here = os.getpid(), _this_machine()
    return Owner(
        pid=pid,
        started=_start_of(pid),
        since=datetime.now(timezone.utc).isoformat(),
        host=socket.gethostname(),
        boot_id=here["boot_id"],
        machine_id=here["machine_id"],
        pid_namespace=here["pid_namespace"],
    )


def read_owner(path: Path) -> Owner:
    """The note in ``path``.

    Raises:
        CacheError: It cannot be understood.
        OSError: It cannot be read.
    """
    try:
        known = {field.name for field in fields(Owner)}
        note = json.loads(path.read_bytes())
        return Owner(**{key: value for key, value in note.items() if key in known})
    except (AttributeError, TypeError, ValueError) as error:
        raise CacheError(f"{path}: not a note on a process", path=path) from error


def is_owner_alive(path: Path) -> bool:
    """Whether the process that left the note in ``path`` still writes; False without a note."""
    try:
        owner = read_owner(path)
        silence_s = time.time() - path.stat().st_mtime
    except (FileNotFoundError, CacheError):
        return False
    except OSError:
        return True  # it cannot be known, and a living run must not be called dead
    here = _this_machine()
    if owner.boot_id is not None and owner.boot_id == here["boot_id"]:
        if owner.pid_namespace == here["pid_namespace"]:
            is_copy = owner.folder not in (None, path.parent.stat().st_ino)
            return not is_copy and _is_running(owner.pid, owner.started)
    elif None not in (owner.boot_id, owner.machine_id) and (owner.machine_id, owner.host) == (
        here["machine_id"],
        socket.gethostname(),
    ):
        # This very machine, booted since. The name counts too: images copy the machine's id.
        return False
    return silence_s < _SILENCE_S


@functools.cache
def _this_machine() -> dict[str, str | None]:
    return {
        "boot_id": _read_line(Path("/proc/sys/kernel/random/boot_id")),
        "machine_id": _read_line(Path("/etc/machine-id")),
        "pid_namespace": _pid_namespace(),
    }


def _read_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _pid_namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _is_running(pid: int, started: int | None) -> bool:
    now_started = _start_of(pid)
    return now_started is not None and (started is None or started == now_started)


def _start_of(pid: int) -> int | None:
    """When the process began, or None if there is none (a zombie does nothing any more)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the command, in parentheses, with whatever characters.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])
