"""A small HTTP server on loopback that fails on demand, alone or in front of a real server.

    with FaultProxy(real.url) as proxy:
        rule = proxy.fault(Reset(), method="POST", path="/statuses$", times=1)
        ...
        assert rule.hits == 1
        assert [r.status for r in proxy.requests if r.path.endswith("/statuses")] == [None, 201]

Nothing here sleeps: what hangs waits for an event, and what is slow is paced by one that ends it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

_BLOCK = 16 * 1024
_KEPT_BODY_BYTES = 1024 * 1024
_NOT_FORWARDED = frozenset({"connection", "host", "keep-alive", "proxy-connection"})


class Request:
    """What a client sent. The body is read when somebody asks for it."""

    def __init__(self, handler: _Handler) -> None:
        self.method = handler.command
        self.target = handler.path
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = {key: values[-1] for key, values in parse_qs(parts.query, True).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body_size = int(self.headers.get("content-length") or 0)
        self.received_bytes = 0
        self.started = time.monotonic()
        self.duration_s: float | None = None
        self.status: int | None = None  # None: no answer (yet)
        self._handler = handler
        self._body = bytearray()

    @property
    def received(self) -> bytes:
        """What has been received of the body, and kept."""
        return bytes(self._body)

    def __repr__(self) -> str:
        return f"<{self.method} {self.target} {self.body_size} bytes, answered {self.status}>"

    @property
    def body(self) -> bytes:
        self.read_body()
        return bytes(self._body)

    def read_body(
        self,
        *,
        up_to: int | None = None,
        pace: Callable[[int], None] = lambda size: None,
        keep: bool = True,
    ) -> None:
        """Receive the body, or its first bytes; ``pace`` is called with each block's size.

        Without ``keep`` what is received now is thrown away: it may be larger than the memory.
        """
        end = self.body_size if up_to is None else min(up_to, self.body_size)
        while self.received_bytes < end:
            block = self._handler.rfile.read1(min(_BLOCK, end - self.received_bytes))
            if not block:
                raise ConnectionError("the client went away")
            self.received_bytes += len(block)
            if keep:
                self._body += block
            pace(len(block))

    def replace_body(self, body: bytes) -> None:
        self._body[:] = body

    def finish(self) -> None:
        self.duration_s = time.monotonic() - self.started
        if len(self._body) > _KEPT_BODY_BYTES:
            self._body.clear()


@dataclass
class Exchange:
    """One request and the means to answer it."""

    request: Request
    handler: _Handler
    upstream: str | None
    stopped: threading.Event

    def send(
        self, status: int, headers: Mapping[str, str], body: bytes, *, length: int | None = None
    ) -> None:
        """Answer; ``length`` is what Content-Length claims, if not the truth."""
        self.request.status = status
        if "Date" in headers:
            self.handler.send_response_only(status)
        else:
            self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        self.handler.end_headers()
        if self.handler.command != "HEAD":
            self.handler.wfile.write(body)

    def drop(self, *, reset: bool) -> None:
        """End the connection, with a reset or in order, without another byte."""
        self.handler.close_connection = True
        if reset:
            self.handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.handler.server.to_reset.add(self.handler.connection)


class Action(Protocol):
    """What becomes of a request."""

    def __call__(self, exchange: Exchange) -> None: ...


@dataclass(frozen=True)
class Answer:
    """Answer by ourselves."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def __call__(self, exchange: Exchange) -> None:
        exchange.request.read_body()
        exchange.send(self.status, self.headers, self.body)


@dataclass(frozen=True)
class Forward:
    """Ask the real server, and pass its answer on: whole, or only its first bytes."""

    keep_bytes: int | None = None

    def __call__(self, exchange: Exchange) -> None:
        status, headers, body = _ask(exchange)
        kept = body if self.keep_bytes is None else body[: self.keep_bytes]
        exchange.send(status, headers, kept, length=len(body))
        if len(kept) < len(body):
            exchange.drop(reset=False)


@dataclass(frozen=True)
class LoseAnswer:
    """The real server does what it is asked; the client never hears of it."""

    def __call__(self, exchange: Exchange) -> None:
        _ask(exchange)
        exchange.drop(reset=True)


@dataclass(frozen=True)
class Duplicate:
    """The real server is asked twice, as by a proxy that does not trust its line."""

    def __call__(self, exchange: Exchange) -> None:
        _ask(exchange)
        Forward()(exchange)


@dataclass(frozen=True)
class Drip:
    """Pass the real server's answer on, byte by byte at this rate: no single wait is long."""

    bytes_per_s: float

    def __call__(self, exchange: Exchange) -> None:
        status, headers, body = _ask(exchange)
        exchange.send(status, headers, b"", length=len(body))
        for byte in body:
            if exchange.stopped.wait(1 / self.bytes_per_s):
                return exchange.drop(reset=True)
            exchange.handler.wfile.write(bytes([byte]))
        return None


@dataclass(frozen=True)
class Corrupt:
    """Pass the request on with only the first bytes of the file in it; answer as if all was well.

    The real server stores a file that is too short.
    """

    keep_bytes: int

    def __call__(self, exchange: Exchange) -> None:
        body = exchange.request.body
        start = body.find(b"\r\n\r\n", body.find(b'name="upload_file"')) + 4
        tail = body.rfind(b"\r\n--", start)
        assert 4 <= start <= tail, "no file in this request"
        exchange.request.replace_body(body[: start + self.keep_bytes] + body[tail:])
        Forward()(exchange)


@dataclass(frozen=True)
class Reset:
    """Reset the connection, after so many bytes of the body (None: all of it)."""

    after_bytes: int | None = None

    def __call__(self, exchange: Exchange) -> None:
        exchange.request.read_body(up_to=self.after_bytes)
        exchange.drop(reset=True)


@dataclass(frozen=True)
class Truncate:
    """Announce the whole body, send only its beginning, and hang up."""

    body: bytes
    keep_bytes: int
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def __call__(self, exchange: Exchange) -> None:
        exchange.request.read_body()
        exchange.send(
            self.status, self.headers, self.body[: self.keep_bytes], length=len(self.body)
        )
        exchange.drop(reset=False)


@dataclass(frozen=True)
class Hang:
    """Say nothing until released (then do ``then``) or until the server is closed."""

    released: threading.Event = field(default_factory=threading.Event)
    then: Action = field(default_factory=lambda: Reset())

    def __call__(self, exchange: Exchange) -> None:
        exchange.request.read_body()
        while not self.released.wait(0.05):
            if exchange.stopped.is_set():
                exchange.drop(reset=True)
                return
        self.then(exchange)


@dataclass(frozen=True)
class Slow:
    """Receive the body at this rate, then do ``then``."""

    bytes_per_s: float
    then: Action = field(default_factory=Forward)

    def __call__(self, exchange: Exchange) -> None:
        def pace(size: int) -> None:
            if exchange.stopped.wait(size / self.bytes_per_s):
                raise ConnectionError("the server is closing")

        exchange.request.read_body(pace=pace)
        self.then(exchange)


class Rule:
    """An action for the requests that match, for good or a number of times."""

    def __init__(
        self, action: Action, matches: Callable[[Request], bool], times: int | None
    ) -> None:
        self.action = action
        self.hits = 0
        self._matches = matches
        self._left = times
        self._lock = threading.Lock()

    def remove(self) -> None:
        """From now on let everything pass."""
        with self._lock:
            self._left = 0

    def takes(self, request: Request) -> bool:
        if not self._matches(request):
            return False
        with self._lock:
            if self._left == 0:
                return False
            self._left = None if self._left is None else self._left - 1
            self.hits += 1
            return True


class FaultServer:
    """Listens on loopback from the beginning of the context to its end.

    Attributes:
        url: Where it listens.
        otherwise: What becomes of requests that no fault takes.
        upstream: The address of the real server, if there is one; it may move.
    """

    def __init__(
        self,
        *,
        upstream: str | None = None,
        otherwise: Action | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.otherwise: Action = otherwise or Answer()
        self.upstream = upstream
        self._rules: list[Rule] = []
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._server = _Server(self, tls, port)
        scheme = "http" if tls is None else "https"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    def __enter__(self) -> FaultServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests so far, in the order of their arrival."""
        with self._changed:
            return tuple(self._requests)

    def fault(
        self,
        action: Action,
        when: Callable[[Request], bool] | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int | None = None,
    ) -> Rule:
        """From now on do ``action`` for matching requests; of several rules the latest wins.

        Args:
            action: `Answer`, `Reset`, `Hang`, `Slow`, `Truncate`, `LoseAnswer`, `Forward`, or
                any function of an `Exchange`.
            when: Looks at the request; asking for its ``body`` receives it first.
            method: Of the request.
            path: A pattern to be found in the request's path.
            times: Only for the first so many.
        """

        def matches(request: Request) -> bool:
            return (
                (method is None or request.method == method)
                and (path is None or re.search(path, request.path) is not None)
                and (when is None or when(request))
            )

        rule = Rule(action, matches, times)
        with self._changed:
            self._rules.insert(0, rule)
        return rule

    def wait_for(
        self, matches: Callable[[Request], bool], *, count: int = 1, timeout_s: float = 30.0
    ) -> tuple[Request, ...]:
        """The first ``count`` requests that match, as soon as they are there.

        Raises:
            AssertionError: They did not come.
        """

        def found() -> list[Request]:
            return [request for request in self._requests if matches(request)]

        with self._changed:
            came = self._changed.wait_for(lambda: len(found()) >= count, timeout_s)
            assert came, f"{len(found())} of {count} requests came; all: {self._requests}"
            return tuple(found()[:count])

    def handle(self, handler: _Handler) -> None:
        request = Request(handler)
        exchange = Exchange(request, handler, self.upstream, self._stopped)
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            rules = tuple(self._rules)
        try:
            rule = next((rule for rule in rules if rule.takes(request)), None)
            (self.otherwise if rule is None else rule.action)(exchange)
        except OSError:
            # The client hung up, or the server is closing: both are what some tests are about.
            handler.close_connection = True
        finally:
            request.finish()
            with self._changed:
                self._changed.notify_all()


class FaultProxy(FaultServer):
    """Passes everything on to ``upstream``, but for the faults."""

    def __init__(self, upstream: str, *, port: int = 0) -> None:
        super().__init__(upstream=upstream, otherwise=Forward(), port=port)

    def __enter__(self) -> FaultProxy:
        super().__enter__()
        return self


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for them
    request_queue_size = 64

    def __init__(self, owner: FaultServer, tls: ssl.SSLContext | None, port: int) -> None:
        self.owner = owner
        self.to_reset: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._tls = tls
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake is done by the first read, in the thread of the connection.
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # a socket: this is no datagram server
        self._open.discard(request)
        if request in self.to_reset:
            self.to_reset.discard(request)
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up, or refuses our certificate, is no error of the server."""

    def hang_up(self) -> None:
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_any(self) -> None:
        self.server.owner.handle(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Silence: the requests are recorded."""


def _ask(exchange: Exchange) -> tuple[int, dict[str, str], bytes]:
    """The real server's answer; 502 if it gives none."""
    request = exchange.request
    assert exchange.upstream is not None, "there is no server behind this one"
    parts = urlsplit(exchange.upstream)
    headers = {
        name: value
        for name, value in exchange.handler.headers.items()
        if name.lower() not in (*_NOT_FORWARDED, "content-length")
    }
    target = urlsplit(request.target)
    body = request.body
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    try:
        connection.request(
            request.method,
            target.path + (f"?{target.query}" if target.query else ""),
            body or None,
            headers,
        )
        response = connection.getresponse()
        kept = {
            name: value
            for name, value in response.getheaders()
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date")
        }
        return response.status, kept, response.read()
    except OSError as error:
        return 502, {"Content-Type": "text/plain"}, str(error).encode()
    finally:
        connection.close()
