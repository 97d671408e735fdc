"""The process that writes a run, and whether it is alive."""

from __future__ import annotations

import functools
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from axonlog.errors import CacheError

from ._atomic import write_json
from .journal import has_stable_inodes

Liveness = Literal["alive", "dead", "unknown"]

# A process on another machine cannot be looked up; it touches its file as a heartbeat.
HEARTBEAT_INTERVAL_S = 30.0
_HEARTBEAT_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Owner:
    """A process, identified by more than its pid, which the system gives to others later.

    What the system does not provide is None. ``started`` is in clock ticks since the boot.
    ``since`` is for people. ``device``, ``folder`` (an inode) and ``path`` describe the folder in
    which the owner file lies: in a copy of the folder they differ.
    """

    pid: int
    started: int | None
    boot_id: str | None
    pid_namespace: str | None
    machine_id: str | None
    host: str
    since: str
    folder: int | None = None
    device: int | None = None
    path: str | None = None

    def write(self, path: Path) -> None:
        """Write the owner file ``path``, whose folder exists.

        Raises:
            OSError: It cannot be written.
        """
        place, status = os.path.realpath(path.parent), path.parent.stat()
        if has_stable_inodes(path.parent):
            note = replace(self, path=place, folder=status.st_ino, device=status.st_dev)
        else:
            note = replace(self, path=place)
        write_json(path, asdict(note), ascii_only=True)


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
    """The owner that the file ``path`` names.

    Raises:
        CacheError: It cannot be understood.
        OSError: It cannot be read.
    """
    try:
        known = {field.name for field in fields(Owner)}
        note = json.loads(path.read_bytes())
        return Owner(**{key: value for key, value in note.items() if key in known})
    except (AttributeError, TypeError, ValueError) as error:
        raise CacheError(f"{path}: not the owner of a journal", path=path) from error


def liveness(path: Path) -> Liveness:
    """Whether the process that wrote the owner file ``path`` still writes the run.

    ``dead`` needs evidence: no such process on this machine, a boot since, no heartbeat from a
    process elsewhere, or no owner file any more. In a copy of the directory nobody writes, and
    nobody sends heartbeats. The process is then ``unknown``, unless this machine knows that it is
    dead and the original directory does not show that it closed the run.
    """
    try:
        return _judge(path)
    except FileNotFoundError:
        return "dead"
    except OSError:
        return "alive"  # nothing is known, and a running run must not be taken for dead


def _judge(path: Path) -> Liveness:
    try:
        owner = read_owner(path)
    except CacheError:
        return "dead" if _is_heartbeat_overdue(path) else "unknown"
    is_original = _is_original(owner, path.parent)
    is_gone = _is_gone(owner)
    if is_original:
        if is_gone is None:  # a process elsewhere
            return "dead" if _is_heartbeat_overdue(path) else "alive"
        return "dead" if is_gone else "alive"
    return "dead" if is_gone and not _has_closed(owner, path) else "unknown"


def is_owner_alive(path: Path) -> bool:
    """Whether the process that wrote the owner file ``path`` writes the run, or may do so."""
    return liveness(path) == "alive"


def _is_gone(owner: Owner) -> bool | None:
    """Whether the process has ended; None if it cannot be looked up from here."""
    here = _this_machine()
    if owner.boot_id is not None and owner.boot_id == here["boot_id"]:
        if owner.pid_namespace != here["pid_namespace"]:
            return None
        return not _is_running(owner.pid, owner.started)
    if owner.host != socket.gethostname():
        return None
    if owner.boot_id is None and here["boot_id"] is None:
        # Without /proc a free pid is certain evidence; which process has a taken one is unknown.
        return True if not _is_pid_taken(owner.pid) else None
    if None not in (owner.boot_id, owner.machine_id) and owner.machine_id == here["machine_id"]:
        # This machine, booted since. The host name is compared, too, as images copy a machine's id.
        return True
    return None


def _is_original(owner: Owner, folder: Path) -> bool:
    """Whether ``folder`` is the one in which the process wrote its owner file, moved or not."""
    is_same_path = owner.path is None or owner.path == os.path.realpath(folder)
    if owner.folder is None:
        return is_same_path
    is_same_boot = owner.boot_id is not None and owner.boot_id == _this_machine()["boot_id"]
    if is_same_boot and owner.path is not None and is_same_path:
        return True  # perhaps restored from a copy, but it is where the process writes
    status = folder.stat()
    # A device may have another number after a boot, and on another machine.
    is_device = not is_same_boot or owner.device in (None, status.st_dev)
    return owner.folder == status.st_ino and is_device


def _has_closed(owner: Owner, copy: Path) -> bool:
    """Whether the run that ``copy`` was copied from is still there, and its process closed it."""
    if owner.path is None:
        return False
    journal = Path(owner.path)
    # Closing the run removes its owner file, and `<run>/.axonlog/journal` with the last one.
    return journal.parent.parent.is_dir() and not (journal / copy.name).exists()


def _is_heartbeat_overdue(path: Path) -> bool:
    return time.time() - path.stat().st_mtime >= _HEARTBEAT_TIMEOUT_S


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


def _is_pid_taken(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_of(pid: int) -> int | None:
    """When the process began, or None if there is none (a zombie does nothing any more)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the command, in parentheses, with whatever characters.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])
