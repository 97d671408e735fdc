"""`PolyaxonClient`: requests to one server, each with a time limit and typed errors."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from axonlog.errors import EventError, ServerError, TransportError

from ._error_kinds import server_error
from ._multipart import MultipartFile, SourceError
from ._urls import public_url

if TYPE_CHECKING:
    # `requests` costs tens of milliseconds to import: a run that is offline never pays them.
    import requests

    from axonlog.context import ClientConfig, Connection

ModelT = TypeVar("ModelT", bound=BaseModel)

_CONNECT_TIMEOUT_S = 10.0
_NO_LIMIT_S = 3600.0
_SMALL_BODY_BYTES = 16 * 1024
# What is sent last may still lie in buffers on a slow line, and the server stores a file before
# it answers: so long the wait for the answer may be, above the limit for any wait.
_BUFFERED_BYTES = 256 * 1024
_SLOWEST_BYTES_PER_S = 1000
_STORED_BYTES_PER_S = 10e6
_ERROR_BODY_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
# What a proxy answers when it cannot or must not reach the server.
_PROXY_STATUSES = frozenset({403, 407, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """A successful answer, read whole."""

    method: str
    url: str
    status: int
    content_type: str
    body: bytes

    def parse(self, model: type[ModelT], *, sent: Mapping[str, Any] | None = None) -> ModelT:
        """The answer as a model.

        Args:
            model: What it should be.
            sent: Fields that the request itself named: an answer that leaves them out, and has
                any other field of the model, is about what was asked for.

        Raises:
            ServerError: It is something else than the contract says.
        """
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            completed = None if sent is None else self._completed(model, sent)
            if completed is None:
                raise self.unexpected(_told(error)) from None
        try:
            return model.model_validate(completed)
        except ValidationError as error:
            raise self.unexpected(_told(error)) from None

    def _completed(self, model: type[BaseModel], sent: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            given = json.loads(self.body)
        except ValueError:
            return None
        # Any other JSON service answers with an object too: one known field makes it a run's.
        is_about_it = isinstance(given, dict) and not given.keys().isdisjoint(model.model_fields)
        if not is_about_it:
            return None
        return {**given, **{key: v for key, v in sent.items() if given.get(key) is None}}

    def expect_no_page(self) -> None:
        """Refuse an answer that is a web page: then a proxy or a login form took the request.

        Raises:
            ServerError: It is one.
        """
        if self.body.strip() and self.content_type.startswith("text/html"):
            raise self.unexpected("a web page")

    def unexpected(self, what: str) -> ServerError:
        """The error for a success that the contract does not know; ``what`` says how it differs."""
        return ServerError(
            f"{self.method} {self.url}: unexpected answer ({self.status}): {what}; "
            "is this a Polyaxon server, and is nothing else answering for it?",
            status=self.status,
            detail=what,
            method=self.method,
            url=self.url,
        )


class PolyaxonClient:
    """Requests to one Polyaxon server, over one ``requests`` session.

    Building one opens nothing: where the server is gets resolved, and the session made, with the
    first request. Several threads may share a client, for nothing in its session changes once it
    is made. A forked child gets a session of its own, and so does a pickled copy, which holds no
    token but one that was given here.

    A time limit holds for connecting and for each wait for bytes, as in ``requests``, not for a
    request as a whole. Nothing is retried, but for reading requests if the connection says so.

    Attributes:
        config: As given.
        token: As given. The one in use is ``connection.token``.
    """

    def __init__(self, config: ClientConfig | None = None, token: str | None = None) -> None:
        self.config = config
        self.token = None if token is None else SecretStr(token)
        self._connection: Connection | None = None
        self._sessions: dict[int, requests.Session] = {}  # by process id

    @classmethod
    def from_connection(cls, connection: Connection) -> PolyaxonClient:
        """A client of exactly this server; nothing else is looked at.

        Its ``config`` says the same, so that a run resolved with this client goes there too.

        Raises:
            ContextError: The connection holds something that cannot be used.
            AuthenticationError: Its token cannot be sent.
        """
        from axonlog.context import ClientConfig

        token = "" if connection.token is None else connection.token.get_secret_value()
        client = cls(
            ClientConfig(
                host=connection.host,
                # Polyaxon's own word for "none, whatever else there is".
                token=SecretStr(token or "no-auth"),
                authentication_type=connection.authentication_type,
                # There, 0 stands for no limit and None for nothing said.
                timeout=connection.timeout_s or 0,
                verify_ssl=connection.verify_ssl,
                ssl_ca_cert=connection.ssl_ca_cert,
                cert_file=connection.cert_file,
                key_file=connection.key_file,
                assert_hostname=connection.assert_hostname,
                connection_pool_maxsize=connection.pool_maxsize,
                retries=connection.retries,
                header=connection.header,
                header_service=connection.header_service,
            )
        )
        client._connection = connection
        return client

    @property
    def connection(self) -> Connection:
        """What this client talks to.

        Raises:
            ContextError: Nothing says where the server is, or what says so cannot be read.
        """
        if self._connection is None:
            from axonlog.context import resolve_connection

            token = None if self.token is None else self.token.get_secret_value()
            self._connection = resolve_connection(self.config, token)
        return self._connection

    @property
    def host(self) -> str:
        """Address of the server, without credentials."""
        return public_url(self.connection.host).rstrip("/")

    def with_timeout(self, timeout_s: float) -> PolyaxonClient:
        """A client of the same server with another time limit, and a session of its own."""
        return self.from_connection(self.connection.model_copy(update={"timeout_s": timeout_s}))

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        body: object = None,
        file: MultipartFile | None = None,
    ) -> Answer:
        """Send one request and read the whole answer.

        Args:
            method: ``GET``, ``POST``, ``PATCH`` or ``DELETE``.
            path: Below the host, quoted.
            params: The query.
            body: Sent as JSON unless None; NaN and infinities become null.
            file: Sent as multipart.

        Raises:
            TransportError: No usable answer came.
            RefusedError: 401 or 403.
            ServerError: Any other status of 300 or more.
            EventError: ``body`` holds something that JSON cannot.
        """
        from ._session import translated

        response, url = self._send(method, path, params=params, body=body, file=file)
        with response, translated(method, url):
            return Answer(
                method=method,
                url=url,
                status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                body=response.content,
            )

    @contextmanager
    def download(
        self, path: str, *, params: Mapping[str, str | int | bool] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The body of the answer to a GET, in chunks, while the context is open.

        Raises:
            TransportError: No answer came, or it broke off; also while chunks are read.
            RefusedError: 401 or 403.
            ServerError: Any other status of 300 or more.
        """
        response, url = self._send("GET", path, params=params)
        with response:
            yield _chunks(response, url)

    def close(self) -> None:
        """Close the connections that are kept open. The client can still be used."""
        session = self._sessions.pop(os.getpid(), None)
        if session is not None:
            session.close()

    def __enter__(self) -> PolyaxonClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "not resolved yet" if self._connection is None else self.host
        return f"PolyaxonClient({where})"

    def __getstate__(self) -> dict[str, Any]:
        # What was found in the environment is found again: its token is not for files.
        return {**self.__dict__, "_sessions": {}, "_connection": None}

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        body: object = None,
        file: MultipartFile | None = None,
    ) -> tuple[requests.Response, str]:
        """The answer, its body not read yet, and the URL as errors show it."""
        from ._session import translated

        url = self.connection.host.rstrip("/") + path
        shown = public_url(url)
        data, headers = _encoded(body) if file is None else (file, _typed(file.content_type))
        with translated(method, shown):
            try:
                response = self._session().request(
                    method,
                    url,
                    params={key: _query_value(value) for key, value in (params or {}).items()},
                    data=data,
                    headers=headers,
                    timeout=self._timeouts_s(data),
                    # A redirected POST would turn into a GET and look like a success.
                    allow_redirects=method == "GET",
                    stream=True,
                )
            except SourceError as error:
                raise TransportError(
                    f"{method} {shown}: the file {error}", reason="file", method=method, url=shown
                ) from error
            if response.status_code >= 300:
                with response:
                    raise self._refusal(method, shown, response)
        return response, shown

    def _session(self) -> requests.Session:
        from ._session import open_session

        # Connections must not be shared with a parent process: hence one session for each id.
        # setdefault is atomic; of two threads that come first, one throws its session away.
        process = os.getpid()
        session = self._sessions.get(process)
        if session is None:
            session = self._sessions.setdefault(process, open_session(self.connection))
        return session

    def _timeouts_s(self, body: bytes | _Body | MultipartFile | None) -> tuple[float, float]:
        """Limits for connecting and for waiting; the first also for sending a block of a body."""
        limit = self.connection.timeout_s or _NO_LIMIT_S
        if body is None or isinstance(body, bytes):
            return min(limit, _CONNECT_TIMEOUT_S), limit
        size = len(body)
        on_the_way = min(size, _BUFFERED_BYTES) / _SLOWEST_BYTES_PER_S
        return limit, limit + on_the_way + size / _STORED_BYTES_PER_S

    def _refusal(self, method: str, url: str, response: requests.Response) -> ServerError:
        from ._session import through_proxy

        token = self.connection.token
        return server_error(
            method=method,
            url=url,
            proxy=through_proxy(url) if response.status_code in _PROXY_STATUSES else "",
            status=response.status_code,
            headers=response.headers,
            body=next(response.iter_content(_ERROR_BODY_BYTES), b""),
            secret=None if token is None else token.get_secret_value().strip(),
        )


def _chunks(response: requests.Response, url: str) -> Iterator[bytes]:
    from ._session import translated

    chunks = response.iter_content(_CHUNK_BYTES)
    while True:
        # Around each step, not around the loop: what the reader raises is not the connection's.
        with translated("GET", url):
            chunk = next(chunks, b"")
        if not chunk:
            return
        yield chunk


class _Body(io.BytesIO):
    """A large body as a file: sent in blocks, each with a time limit of its own."""

    def __len__(self) -> int:
        return self.getbuffer().nbytes


def _encoded(body: object) -> tuple[bytes | _Body | None, dict[str, str]]:
    if body is None:
        return None, {}
    try:
        data = to_json(body, inf_nan_mode="null")
    except PydanticSerializationError as error:
        raise EventError(f"cannot be written as JSON: {error}") from error
    return (_Body(data) if len(data) > _SMALL_BODY_BYTES else data), _typed("application/json")


def _typed(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}


def _query_value(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(error: ValidationError) -> str:
    """What is wrong with an answer, by field, without what it holds."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if any(problem["type"] == "json_invalid" for problem in problems):
        return "not JSON"
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['msg'].lower()}"
        for problem in problems
    )
