"""One ``requests`` session as Polyaxon needs it, and its exceptions as ours.

The only module that touches ``requests``; imported with the first request, not with the package.
"""

from __future__ import annotations

import http.client
import logging
import os
import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry

from axonlog._version import __version__
from axonlog.errors import ContextError, TransportError, TransportReason

from ._urls import public_url

if TYPE_CHECKING:
    from axonlog.context import Connection

_log = logging.getLogger("axonlog")

# Host names that the user was warned of.
_unverified: set[str] = set()

_IDEMPOTENT = frozenset({"GET", "HEAD"})
_RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def open_session(connection: Connection) -> requests.Session:
    """A session for this server. Nothing is sent.

    It honours the proxies and, where the connection names no bundle of its own, the
    ``REQUESTS_CA_BUNDLE`` of the environment. It ignores ``.netrc`` and cookies, and sends
    the credentials to no other host.

    Raises:
        ContextError: A certificate file does not exist.
    """
    session = _Session()
    session.headers["User-Agent"] = f"axonlog/{__version__}"
    session.headers["Accept"] = "application/json"
    if connection.header and connection.header_service:
        session.headers[connection.header] = connection.header_service
        session.private_headers = ("Authorization", connection.header)
    session.auth = _credentials(connection)
    # No cookies: the API has none, and without them nothing in a session changes after this
    # function, so that threads may share it.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(
        is_hostname_checked=connection.assert_hostname is not False,
        pool_size=connection.pool_maxsize,
        retries=connection.retries,
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.tls = _tls_arguments(connection)
    if not connection.verify_ssl:
        _warn_unverified(connection.host)
    return session


@contextmanager
def translated(method: str, url: str) -> Iterator[None]:
    """Turn what ``requests`` raises inside into errors of ours; ``url`` is fit to be shown.

    Raises:
        TransportError: No usable answer came; its ``reason`` tells why.
        ContextError: The host cannot be part of a URL.
    """
    try:
        yield
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        urllib3.exceptions.LocationParseError,
        UnicodeError,
    ):
        # Not chained: these quote the whole URL, and with it what it may hold of secrets.
        raise ContextError(f"{url!r} is not a URL that can be asked; check the host") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason, words = _why(error)
        raise TransportError(
            f"{method} {url}{through_proxy(url)}: {words}", reason=reason, method=method, url=url
        ) from error


def through_proxy(url: str) -> str:
    """Which proxy of the environment requests to ``url`` take, for an error; empty without one."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if not proxy:
        return ""
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    found = [name for name in (*names, *map(str.upper, names)) if os.environ.get(name) == proxy]
    # The lower-case variable wins where both are set; upper case is how people know it.
    source = f" from {found[0].upper()}" if found else ""
    # Without a scheme urlsplit takes the host for one, and would show the password.
    address = public_url(proxy if "://" in proxy else f"http://{proxy}")
    return f" (through the proxy {address}{source})"


def _warn_unverified(host: str) -> None:
    """Say once for each server that nobody checks who it is.

    urllib3 would warn with every request.
    """
    name = urlsplit(host).hostname
    if urlsplit(host).scheme != "https" or name is None or name in _unverified:
        return
    _unverified.add(name)
    _log.warning(
        "%s: its TLS certificate is not verified (verify_ssl=False, or POLYAXON_VERIFY_SSL): "
        "anybody on the way can read the token; name a bundle in POLYAXON_SSL_CA_CERT instead",
        public_url(host).rstrip("/"),
    )
    warnings.filterwarnings(
        "ignore",
        message=f"Unverified HTTPS request is being made to host '{re.escape(name)}'",
        category=urllib3.exceptions.InsecureRequestWarning,
    )


class _Session(requests.Session):
    """A session that keeps its credentials for one host and takes none from ``.netrc``."""

    private_headers: tuple[str, ...] = ("Authorization",)

    def __init__(self) -> None:
        super().__init__()
        self.tls: dict[str, Any] = {}  # Any: the types of `verify` and `cert` in requests

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        # `verify` goes with each request: left to the session, REQUESTS_CA_BUNDLE would win over
        # a bundle, or a refusal to verify, that the user asked for.
        return super().request(*args, **{**kwargs, **self.tls})

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        before, after = response.request.url, prepared_request.url
        if before and after and self.should_strip_auth(before, after):  # type: ignore[no-untyped-call]
            for name in self.private_headers:
                prepared_request.headers.pop(name, None)


class _TokenAuth(AuthBase):
    """Set our header, or none at all; being set, it keeps ``requests`` from reading .netrc."""

    def __init__(self, header: str | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header is not None:
            request.headers["Authorization"] = self._header
        return request


class _Adapter(HTTPAdapter):
    """An adapter that may leave the host name of a certificate unchecked, and retries GETs only."""

    def __init__(
        self, *, is_hostname_checked: bool, pool_size: int | None, retries: int | None
    ) -> None:
        self._pool_arguments: dict[str, Any] = (
            {} if is_hostname_checked else {"assert_hostname": False}
        )
        super().__init__(
            pool_maxsize=pool_size or 10,
            max_retries=_GetRetry.up_to(retries) if retries else 0,
        )

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(
            connections, maxsize, block, **{**pool_kwargs, **self._pool_arguments}
        )

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **{**kwargs, **self._pool_arguments})


class _GetRetry(Retry):
    """urllib3's policy, which would also retry the connecting of a write; this one does not."""

    @classmethod
    def up_to(cls, count: int) -> _GetRetry:
        return cls(
            total=count,
            allowed_methods=_IDEMPOTENT,
            status_forcelist=_RETRY_STATUSES,
            backoff_factor=0.5,
            raise_on_status=False,
            # A server may ask for an hour; how long to wait for it is not decided down here.
            respect_retry_after_header=False,
        )

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> _GetRetry:
        if error is not None and method not in _IDEMPOTENT:
            raise MaxRetryError(_pool, url or "", error) from error
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _credentials(connection: Connection) -> AuthBase:
    token = "" if connection.token is None else connection.token.get_secret_value()
    return _TokenAuth(f"{connection.authentication_type} {token}" if token else None)


def _tls_arguments(connection: Connection) -> dict[str, Any]:
    for name in ("ssl_ca_cert", "cert_file", "key_file"):
        path = getattr(connection, name)
        if path and not Path(path).exists():
            raise ContextError(f"{name}: there is no file {path!r}")
    verify: bool | str = (connection.ssl_ca_cert or True) if connection.verify_ssl else False
    if connection.cert_file and connection.key_file:
        return {"verify": verify, "cert": (connection.cert_file, connection.key_file)}
    return {"verify": verify, "cert": connection.cert_file or None}


def _why(error: BaseException) -> tuple[TransportReason, str]:
    """The reason in one word and in a sentence, from the exceptions behind ``error``."""
    causes = tuple(_causes(error))

    def has(*types: type[BaseException]) -> bool:
        return any(isinstance(cause, types) for cause in causes)

    if has(requests.exceptions.ProxyError):
        return "proxy", "the proxy did not take the request; check that variable, or NO_PROXY"
    if has(requests.exceptions.SSLError, ssl.SSLError):
        told = [cause.verify_message for cause in causes if hasattr(cause, "verify_message")]
        return "tls", (
            f"no trusted TLS connection ({told[0] if told else 'handshake failed'}); "
            "check the host, the scheme and the certificate bundle"
        )
    if not isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError)):
        # Mostly a bundle of the environment that is not there; the system's words name the file.
        return "other", str(error)
    if has(socket.gaierror):
        return "name", "the host name cannot be resolved"
    if has(ConnectionRefusedError):
        return "refused", "connection refused; is the server running, and is this its address?"
    if has(requests.exceptions.ConnectTimeout):
        return "timeout", "timed out while connecting"
    if has(requests.exceptions.Timeout, TimeoutError, urllib3.exceptions.TimeoutError):
        return "timeout", "timed out while waiting for the server"
    if has(ConnectionError, http.client.HTTPException, urllib3.exceptions.ProtocolError):
        return "reset", "the connection broke before the whole answer came"
    if has(requests.exceptions.TooManyRedirects):
        return "other", "redirected without end"
    return "other", f"no answer ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it wraps. Not its context: that may be the caller's own exception."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        found = pending.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            pending += [found.__cause__, getattr(found, "reason", None), *found.args]
