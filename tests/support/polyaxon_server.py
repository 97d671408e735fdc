"""A real Polyaxon server (haupt) on loopback, from an environment of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

# Read here and not when the server starts: tests run without any AXONLOG_ variable.
_CHOSEN_PYTHON = os.environ.get("AXONLOG_TEST_SERVER_PYTHON")
_REPOSITORY = Path(__file__).resolve().parents[2]
_START_LIMIT_S = 90.0
_STOP_LIMIT_S = 15.0

# Runs in every Python process of the server, before anything else.
_SITECUSTOMIZE = """
import ctypes, os, signal, sys, traceback

# Never outlive the tests, not even when they are killed.
ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def refuse_the_outside(event, args):
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost", "::1", "0.0.0.0") or host.startswith("127."):
        return
    with open(os.environ["OUTSIDE_LOG"], "a") as log:
        log.write(f"{event} {host}\\n{''.join(traceback.format_stack(limit=12))}\\n")
    raise OSError(101, f"the tests allow no connection to {host}")


sys.addaudithook(refuse_the_outside)

# On a write the server hides what went wrong (it answers 405): keep it in a file.
try:
    from django.core.signals import got_request_exception
except ImportError:
    pass
else:
    def note(sender, request=None, **_):
        with open(os.environ["EXCEPTIONS_LOG"], "a") as log:
            log.write(f"## {request and request.method} {request and request.path}\\n")
            log.write(traceback.format_exc() + "\\n")

    got_request_exception.connect(note, weak=False)
"""


class PolyaxonServer:
    """Started by `start`, ended by `stop`; everything it writes is below ``directory``.

    Attributes:
        url: Where it listens; no authentication.
        store: Holds one directory per run, named by its uuid.
        exceptions_log: What went wrong inside, if anything did.
        outside_log: Exists if the server tried to reach anything but loopback.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = directory / "store"
        self.exceptions_log = directory / "exceptions.log"
        self.outside_log = directory / "outside.log"
        self.server_log = directory / "server.log"
        self.url = ""
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        python = server_python()
        # A server that is started again is where it was before.
        port = self._port = self._port or _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            str(python), "-m", "haupt", "sandbox", "start",
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--path", str(self.store),
        ]  # fmt: skip
        with self.server_log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=self._environment(python),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_LIMIT_S
        while not self._answers():
            if self._ended_within(0.1) or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the Polyaxon server did not start:\n{self._last_words()}")

    def stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        if not self._ended_within(_STOP_LIMIT_S):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _environment(self, python: Path) -> dict[str, str]:
        folders = {
            name: self.directory / name
            for name in ("home", "tmp", "archives", "context", "logs", "site")
        }
        for folder in (*folders.values(), self.store):
            folder.mkdir(parents=True, exist_ok=True)
        (folders["site"] / "sitecustomize.py").write_text(_SITECUSTOMIZE)
        store = str(self.store)
        return {
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folders["home"]),
            "TMPDIR": str(folders["tmp"]),
            "PYTHONPATH": str(folders["site"]),
            "OUTSIDE_LOG": str(self.outside_log),
            "EXCEPTIONS_LOG": str(self.exceptions_log),
            "POLYAXON_HOME": store,
            "POLYAXON_ARTIFACTS_ROOT": store,
            "POLYAXON_OFFLINE_ROOT": store,
            "POLYAXON_SANDBOX_ROOT": store,
            "POLYAXON_ARCHIVES_ROOT": str(folders["archives"]),
            "POLYAXON_CONTEXT_ROOT": str(folders["context"]),
            "POLYAXON_LOG_ROOT": str(folders["logs"]),
            # It would ask the vendor's cloud for news, and report its errors there.
            "POLYAXON_INTERVALS_COMPATIBILITY_CHECK": "-1",
            "POLYAXON_DISABLE_ERRORS_REPORTING": "true",
            "DO_NOT_TRACK": "1",
            "POLYAXON_UI_OFFLINE": "true",
            "POLYAXON_UI_IN_SANDBOX": "true",
            # With its own settings two overlapping writes fail with "database is locked".
            "POLYAXON_DB_OPTIONS": json.dumps(
                {
                    "timeout": 20,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
                }
            ),
        }

    def _answers(self) -> bool:
        # Not /healthz/: it asks the vendor's cloud.
        address = f"{self.url}/api/v1/default/projects/list"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(address, timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _ended_within(self, timeout_s: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _last_words(self) -> str:
        return self.server_log.read_text(errors="replace")[-4000:]


def server_python() -> Path:
    """The interpreter that has haupt.

    Raises:
        FileNotFoundError: There is none; says how to get it.
    """
    python = Path(_CHOSEN_PYTHON or _REPOSITORY / ".venv-server" / "bin" / "python")
    if not python.exists():
        raise FileNotFoundError(
            f"no Polyaxon server to test against: {python} does not exist; run `make server`, "
            "or set AXONLOG_TEST_SERVER_PYTHON to an interpreter that has haupt[sandbox]"
        )
    return python


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
