"""What the fault tests share: a training in a process of its own, and a judge of what arrived."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from axonlog.client import RunClient
from axonlog.delivery import DeliveryReport, sync
from support.clients import client_of
from support.polyaxon_server import PolyaxonServer
from support.runs import document_of, lineage_of

_SCRIPT = Path(__file__).parent / "scripts" / "train.py"
_LIMIT_S = 60


class Training:
    """One training script, from its start to the comparison of what it left here and there."""

    def __init__(self, cwd: Path, host: str, server: PolyaxonServer) -> None:
        self.cwd = cwd
        self.host = host
        self.server = server
        self.project = f"f-{uuid.uuid4().hex}"
        self.stderr = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self, ending: str = "", *, end_timeout_s: float = 10, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), f"acme/{self.project}", ending],
            cwd=self.cwd,
            env={
                **os.environ,
                "POLYAXON_HOST": self.host,
                "AXONLOG_END_TIMEOUT": str(end_timeout_s),
                **variables,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        """What the script says next.

        Raises:
            AssertionError: It has ended, with what it said on stderr.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, f"exit code {self.end()}: {self.stderr}"
        return line

    def go_on(self) -> None:
        """Let it do the second half."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> int:
        """Its exit code."""
        assert self._process is not None
        _, self.stderr = self._process.communicate(timeout=_LIMIT_S)
        return self._process.returncode

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # closes the pipes, too

    @property
    def told(self) -> list[str]:
        """Our lines on stderr, without those of an exception of the script's."""
        return [line for line in self.stderr.splitlines() if self.directory.name in line
                or "the server at" in line]  # fmt: skip

    @property
    def directory(self) -> Path:
        (directory,) = (self.cwd / "axonlog_data" / "runs").iterdir()
        return directory

    @property
    def run(self) -> RunClient:
        """The run on the server itself, whatever stands in between."""
        return RunClient("acme", self.project, self.directory.name, client_of(self.server.url))

    def sync(self, *, token: str | None = None) -> DeliveryReport:
        """Deliver what is left, by the way that the training took."""
        client = client_of(self.host, token=token)
        run = RunClient("acme", self.project, self.directory.name, client)
        return sync(self.directory, run)

    def check(self, status: str = "succeeded") -> None:
        """Compare the whole run, here and on the server."""
        here = self.directory
        there = self.server.store / here.name
        assert _files(there) == _files(here)
        loss = [(step, 1 / (step + 1)) for step in range(60)]
        (series,) = self.run.get_events("metric", ["loss"])
        assert list(zip(series.data["step"], series.data["metric"], strict=True)) == loss
        document, data = document_of(here), self.run.get()
        assert (data.status, document["status"]) == (status, status)
        assert data.inputs == document["inputs"] == {"lr": 0.1, "layers": [64, 10]}
        assert data.outputs == document["outputs"]
        assert data.outputs is not None
        assert data.outputs["best"] == 59
        assert data.meta_info == document["meta_info"]
        lineage = {entry.name: entry.summary for entry in self.run.get_lineage()}
        assert lineage == {name: entry["summary"] for name, entry in lineage_of(here).items()}


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and ".axonlog" not in path.parts
        and path.name not in ("run.plx.json", "lineages.plx.json")
    }


@pytest.fixture
def training(polyaxon_server: PolyaxonServer, tmp_path: Path):
    """Makes trainings; ends those that a failing test has left."""
    made: list[Training] = []

    def make(host: str) -> Training:
        made.append(Training(tmp_path, host, polyaxon_server))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run([shutil.which("umount") or "umount", str(folder)], check=True)
