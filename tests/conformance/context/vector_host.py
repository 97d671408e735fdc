"""Run recorded cases, each in a process of its own that has never seen axonlog before.

Reads one request a line, forks, and lets the child make exactly the environment that the request
tells. What is expensive and innocent (pydantic, requests) is imported once, before the first fork.
Nothing leaves the process: sockets are blocked and `HTTPAdapter.send` is replaced by a recorder.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import pydantic.functional_validators  # noqa: F401 - what models with validators need
import requests
import requests.adapters

_PATIENCE_S = 60
_SERVER_UUID = "5e4e5e4e5e4e4e5e8e5e5e4e5e4e5e4e"


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _be_child(request, writing)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as answer:
            text = answer.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write((text or json.dumps({"died": status})) + "\n")
        sys.stdout.flush()


def _be_child(request: dict[str, Any], writing: int) -> None:
    signal.alarm(_PATIENCE_S)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(silence, descriptor)
    try:
        told = _run(request)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        told = {"broken": f"{type(error).__name__}: {error}"}
    with os.fdopen(writing, "w", encoding="utf-8") as answer:
        json.dump(told, answer)
    # No hook at exit: how a run ends is tested elsewhere.
    os._exit(0)


def _run(request: dict[str, Any]) -> dict[str, Any]:
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    recorder = _Recorder(request["server"])
    requests.adapters.HTTPAdapter.send = recorder.send  # type: ignore[method-assign]
    for name in ("connect", "connect_ex", "sendto", "bind"):
        setattr(socket.socket, name, recorder.refuse)
    socket.getaddrinfo = recorder.refuse  # type: ignore[assignment]
    log = _Log()
    logging.getLogger("axonlog").addHandler(log)
    logging.getLogger("axonlog").setLevel(logging.DEBUG)

    # The two places of the machine that a case may fill, moved into the case's own directory.
    from axonlog.context import _environment, _places

    _environment._SHARED_ROOT = _environment.Path(request["shared_root"])
    _places._CONTEXT_ROOT = request["context_root"]

    from axonlog import tracking

    call = request["call"]
    os.environ.update(call.get("late_env") or {})
    os.chdir(call.get("late_cwd") or ".")
    told: dict[str, Any] = {}
    try:
        if call.get("pre_client"):
            _client(call["pre_client"])
        given = dict(call["kwargs"])
        if call.get("client"):
            given["client"] = _client(call["client"])
        start = tracking.Run if call["api"] == "Run" else tracking.init
        run = start(track_env=False, track_code=False, **given)
        told.update(_told(run))
    except Exception as error:  # noqa: BLE001 - the case says which one it has to be
        told["error"] = {
            "families": [kind.__name__ for kind in type(error).__mro__],
            "message": str(error),
            "repr": repr(error),
        }
    told["requests"] = recorder.requests
    told["sockets"] = recorder.refused
    told["log"] = log.lines
    return told


def _client(told: dict[str, Any]) -> Any:
    from axonlog.client import PolyaxonClient, RunClient
    from axonlog.context import ClientConfig

    config = None if told.get("config") is None else ClientConfig(**told["config"])
    client = PolyaxonClient(config=config, token=told.get("token"))
    if told["kind"] == "RunClient":
        return RunClient(client=client, **told.get("run_client_kwargs") or {})
    return client


def _told(run: Any) -> dict[str, Any]:
    context = run.context
    token = context.token.value
    sources = ("owner", "project", "run_uuid")
    return {
        **{name: getattr(context, name).value for name in _SETTINGS},
        "token": None if token is None else token.get_secret_value(),
        "attributes": {"run_uuid": run.run_uuid, "owner": run.owner, "project": run.project},
        "sources": {
            name: [getattr(context, name).source, getattr(context, name).path] for name in sources
        },
        "verify_ssl": context.connection.verify_ssl,
        "request_timeout": context.connection.timeout_s,
        "header": [context.connection.header, context.connection.header_service],
        "warnings": list(context.warnings),
        "texts": [repr(context), str(context.explain()), context.model_dump_json()],
    }


_SETTINGS = (
    "host",
    "owner",
    "team",
    "project",
    "run_uuid",
    "is_new",
    "is_managed",
    "is_offline",
    "no_op",
    "artifacts_path",
    "outputs_path",
    "store_path",
    "collect_artifacts",
    "collect_resources",
    "has_process_sidecar",
    "timeout",
)


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


class _Recorder:
    """Stands where requests would reach for the network."""

    def __init__(self, server: dict[str, Any]) -> None:
        self._server = server
        self.requests: list[dict[str, Any]] = []
        self.refused = 0

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        self.refused += 1
        raise OSError("no sockets in a test of the context")

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        path = urlsplit(str(request.url)).path
        body = _body(request)
        self.requests.append(
            {
                "method": request.method,
                "url": request.url,
                "path": path,
                "authorization": request.headers.get("Authorization"),
                "headers": {key: str(value) for key, value in request.headers.items()},
                "verify": kwargs.get("verify", True),
                "body": body,
            }
        )
        told, answer = self._answer(str(request.method), path, body)
        response = requests.Response()
        response.status_code = told.get("status") or 200
        response.url = str(request.url)
        response.request = request
        response.headers["Content-Type"] = "application/json"
        if response.status_code >= 400:
            answer = {"detail": "as the case says"}
        response.raw = io.BytesIO(json.dumps(answer).encode())
        return response

    def _answer(
        self, method: str, path: str, body: Any
    ) -> tuple[dict[str, Any], dict[str, Any] | list[Any]]:
        parts = path.strip("/").split("/")  # api, v1, owner, project, runs, ...
        is_run = len(parts) == 6 and parts[4] == "runs"
        known = {"owner": parts[2], "project": parts[3]} if len(parts) > 3 else {}
        if method == "POST" and path.endswith("/runs/sync"):
            told = self._server.get("create_run") or {}
            uuid = body.get("uuid", _SERVER_UUID) if isinstance(body, dict) else _SERVER_UUID
            return told, {"uuid": uuid, **known, **(told.get("data") or {})}
        if method == "GET" and is_run:
            told = self._server.get("get_run") or {}
            run = {"uuid": parts[5], "status": "running", **known}
            return told, {**run, **(told.get("data") or {})}
        named = body.get("name") if isinstance(body, dict) else None
        return {}, {"uuid": _SERVER_UUID, "name": named, **known, "results": [], "count": 0}


def _body(request: requests.PreparedRequest) -> Any:
    if not isinstance(request.body, (str, bytes)):
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return None


if __name__ == "__main__":
    main()
