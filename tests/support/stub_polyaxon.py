"""Just enough of a Polyaxon server for what the real one is too slow or too healthy for.

It keeps files in memory up to a size, and only their length above. Everything else is tested
against the real server.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import threading
from typing import Any

from support.fault_server import Answer, Exchange

_KEPT_BYTES = 4 * 1024 * 1024
_HEAD_BYTES = 4096


class StubPolyaxon:
    """The action of a `FaultServer` that is one run's server."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.contents: dict[str, bytes] = {}
        self.file_bytes = 0
        self.run: dict[str, Any] = {}
        self.conditions: list[dict[str, Any]] = []
        self.lineage: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method == "POST" and request.path.startswith("/streams/"):
            self._store(exchange)
            return
        body = json.loads(request.body) if request.body_size else {}
        with self._lock:
            status, answer = self._answer(request.method, request.path, request.query, body)
        if isinstance(answer, bytes):
            exchange.send(status, {"Content-Type": "application/octet-stream"}, answer)
            return
        exchange.send(status, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        if path.endswith("/runs/sync"):
            if self.run:
                return 400, [f"A run with uuid {body['uuid']} already exists."]
            self.run = {**body, "status": "created"}
            return 201, self.run
        if path.endswith("/statuses"):
            if method == "POST":
                self.conditions.append(body["condition"])
                self.run["status"] = body["condition"]["type"]
                return 201, {}
            return 200, {"status": self.run["status"], "status_conditions": self.conditions}
        if path.endswith("/lineage/artifacts"):
            self.lineage.update({entry["name"]: entry for entry in body.get("artifacts", ())})
            if method == "POST":
                return 201, {}
            return 200, {"results": list(self.lineage.values())}
        if path.endswith("/artifacts/tree"):
            return 200, self._tree(query.get("path", "").strip("/"))
        if path.endswith("/artifact"):
            return 200, self.contents[query["path"]]
        if method == "PATCH":
            for name, value in body.items():
                known = self.run.get(name)
                is_merged = body.get("merge") and isinstance(known, dict)
                self.run[name] = {**known, **value} if is_merged else value
        return 200, self.run

    def _tree(self, folder: str) -> dict[str, Any]:
        prefix = f"{folder}/" if folder else ""
        below = {path[len(prefix) :]: size for path, size in self.files.items()
                 if path.startswith(prefix)}  # fmt: skip
        files = {name: size for name, size in below.items() if "/" not in name}
        dirs = sorted({name.split("/")[0] for name in below if "/" in name})
        if folder and not below:
            said = f"Could not list path x. Error [Errno 2] No such file or directory: {folder!r}"
            return {"files": {}, "dirs": [], "error": said}
        return {"files": files, "dirs": dirs}

    def _store(self, exchange: Exchange) -> None:
        request = exchange.request
        request.read_body(up_to=_HEAD_BYTES)
        is_kept = request.body_size <= _KEPT_BYTES
        request.read_body(keep=is_kept)
        received = request.received
        head = received.find(b"\r\n\r\n", received.find(b'name="upload_file"')) + 4
        found = re.search(rb"filename\*=UTF-8''(\S+)", received[:head])
        assert found is not None, received[:head]
        boundary = received[: received.find(b"\r\n")]
        size = request.body_size - head - len(boundary) - len(b"\r\n\r\n--")
        fields = json.loads(received[received.find(b"{") : received.find(b"}") + 1])
        folder = fields["path"].strip("/")
        prefix = f"{folder}/" if folder else ""
        with self._lock:
            self.file_bytes += size
            if fields["untar"]:
                content = received[head : head + size]
                with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                    for member in archive:
                        file = archive.extractfile(member)
                        assert file is not None
                        self._keep(prefix + member.name, file.read())
            else:
                name = prefix + found[1].decode()
                self.files[name] = size
                if is_kept:
                    self._keep(name, received[head : head + size])
        Answer(200, b"", {"Content-Type": "text/html; charset=utf-8"})(exchange)

    def _keep(self, path: str, content: bytes) -> None:
        self.contents[path] = content
        self.files[path] = len(content)
