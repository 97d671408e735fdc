"""How requests go out: who gets the credentials, through which proxy, with which TLS."""

from __future__ import annotations

import errno
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import traceback
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from axonlog import __version__
from axonlog.client import ClientConfig, PolyaxonClient, RunClient
from axonlog.client._multipart import MultipartFile
from axonlog.context import Connection, resolve
from axonlog.errors import (
    AuthenticationError,
    AxonlogError,
    ContextError,
    ServerError,
    TransportError,
)
from support.clients import client_of, run_of
from support.fault_server import Answer, Exchange, FaultServer, Hang, LoseAnswer, Reset

RUN = Answer(200, b'{"uuid": "%s"}' % (b"0" * 32))
TLS = Path(__file__).resolve().parents[2] / "support" / "tls"
CA = str(TLS / "localhost.pem")


@pytest.fixture
def tls_server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")
    with FaultServer(otherwise=RUN, tls=context) as server:
        yield server


def localhost(server: FaultServer) -> str:
    """The address by the name that its certificate is for."""
    return server.url.replace("127.0.0.1", "localhost")


# Headers and credentials


def test_a_request_carries_token_agent_and_the_services_header(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN

    run_of(fault_server.url, token="t", header="X-POLYAXON-SERVICE", header_service="runner").get()

    headers = fault_server.requests[0].headers
    assert headers["authorization"] == "Token t"
    assert headers["user-agent"] == f"axonlog/{__version__}"
    assert headers["x-polyaxon-service"] == "runner"


def test_another_kind_of_token_is_sent_as_such(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN

    run_of(fault_server.url, token="t", authentication_type="Bearer").get()

    assert fault_server.requests[0].headers["authorization"] == "Bearer t"


def test_half_a_header_is_not_sent(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN

    run_of(fault_server.url, header="X-POLYAXON-SERVICE").get()

    assert "x-polyaxon-service" not in fault_server.requests[0].headers


@pytest.mark.parametrize("token", [None, "t"])
def test_netrc_has_no_say(fault_server: FaultServer, token: str | None) -> None:
    fault_server.otherwise = RUN
    netrc = Path.home() / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin someone\npassword else\n")
    netrc.chmod(0o600)
    fault_server.fault(Answer(302, b"", {"Location": "/elsewhere"}), path="runs/", times=1)

    run_of(fault_server.url, token=token).get()

    expected = None if token is None else "Token t"
    assert [r.headers.get("authorization") for r in fault_server.requests] == [expected, expected]


def test_another_host_never_sees_the_credentials(fault_server: FaultServer) -> None:
    with FaultServer(otherwise=RUN) as other:
        fault_server.fault(Answer(302, b"", {"Location": f"{other.url}/elsewhere"}))

        run_of(fault_server.url, token="t", header="X-KEY", header_service="secret").get()

        (seen,) = other.requests
    assert seen.path == "/elsewhere"
    assert {"authorization", "x-key"}.isdisjoint(seen.headers)
    assert fault_server.requests[0].headers["x-key"] == "secret"


def test_cookies_are_not_kept(fault_server: FaultServer) -> None:
    fault_server.otherwise = Answer(200, RUN.body, {"Set-Cookie": "session=1; Path=/"})
    run = run_of(fault_server.url)

    run.get()
    run.get()

    assert [request.headers.get("cookie") for request in fault_server.requests] == [None, None]


@pytest.mark.parametrize("token", ["s3cret\nX-Evil: 1", "s3crét", "s3\0cret"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(AuthenticationError) as refused:
        client_of("http://127.0.0.1:1", token=token)

    assert "s3" not in "".join(traceback.format_exception(refused.value))


def test_no_error_shows_a_secret(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(401, b'{"detail": "no such token: s3cret"}'), times=1)
    fault_server.fault(Reset(), method="POST")
    run = run_of(fault_server.url, token="s3cret")

    told = repr(run) + repr(run.client)
    for call in (run.get, lambda: run.log_status("running")):
        with pytest.raises(AxonlogError) as caught:
            call()
        told += "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))

    assert "no such token: ***" in told
    assert "s3cret" not in told


# Proxies


def test_the_proxy_of_the_environment_is_used(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_server.otherwise = RUN
    monkeypatch.setenv("HTTP_PROXY", fault_server.url)
    monkeypatch.setenv("http_proxy", fault_server.url)

    run_of("http://polyaxon.invalid:8000").get()

    assert fault_server.requests[0].target.startswith("http://polyaxon.invalid:8000/api/v1/acme/")


def test_no_proxy_is_honoured(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fault_server.otherwise = RUN
    with FaultServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        run_of(fault_server.url).get()

        assert proxy.requests == ()
    assert len(fault_server.requests) == 1


def test_a_proxy_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:passw0rd@127.0.0.1:1")

    with pytest.raises(TransportError) as failed:
        run_of("http://polyaxon.invalid").get()

    assert "(through the proxy http://127.0.0.1:1 from HTTP_PROXY)" in str(failed.value)
    assert failed.value.reason == "proxy"
    assert "passw0rd" not in "".join(traceback.format_exception(failed.value))


def test_a_proxy_that_answers_itself_is_named(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_server.otherwise = Answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"})
    address = fault_server.url.removeprefix("http://")
    monkeypatch.setenv("all_proxy", f"http://user:passw0rd@{address}")

    with pytest.raises(ServerError, match=f"through the proxy http://{address} from ALL_PROXY"):
        run_of("http://polyaxon.invalid").get()


# TLS


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: FaultServer) -> None:
    with pytest.raises(TransportError, match="certificate") as refused:
        run_of(localhost(tls_server)).get()

    assert refused.value.reason == "tls"
    assert tls_server.requests == ()


def test_a_bundle_of_ones_own_is_trusted(tls_server: FaultServer) -> None:
    assert run_of(localhost(tls_server), ssl_ca_cert=CA).get().uuid == "0" * 32


def test_the_bundle_of_the_environment_is_trusted(
    tls_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", CA)

    assert run_of(localhost(tls_server)).get().uuid == "0" * 32


def test_a_bundle_of_the_environment_that_is_not_there_is_named(
    tls_server: FaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    with pytest.raises(TransportError, match=r"missing\.pem"):
        run_of(localhost(tls_server)).get()


def test_the_environments_bundle_does_not_replace_ones_own(
    tls_server: FaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "not there"))

    assert run_of(localhost(tls_server), ssl_ca_cert=CA).get().uuid == "0" * 32


def test_not_to_verify_holds_against_the_environments_bundle(
    tls_server: FaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "not there"))

    assert run_of(tls_server.url, verify_ssl=False).get().uuid == "0" * 32


def test_that_nobody_verifies_is_said_once_and_not_with_every_request(
    tls_server: FaultServer,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("axonlog.client._session._unverified", set())

    for run in (run_of(tls_server.url, verify_ssl=False) for _ in range(2)):
        run.get()
        run.get()

    assert [str(warning.message) for warning in recwarn] == []
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{tls_server.url}: its TLS certificate is not verified")


def test_a_certificate_of_another_name_is_refused_unless_told_otherwise(
    tls_server: FaultServer,
) -> None:
    # It is for localhost, and this is 127.0.0.1.
    with pytest.raises(TransportError) as refused:
        run_of(tls_server.url, ssl_ca_cert=CA).get()

    assert refused.value.reason == "tls"
    assert run_of(tls_server.url, ssl_ca_cert=CA, assert_hostname=False).get().uuid == "0" * 32


@pytest.mark.parametrize("name", ["ssl_ca_cert", "cert_file", "key_file"])
def test_a_certificate_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ContextError, match=f"{name}: there is no file .*missing.pem"):
        run_of("https://localhost:1", **{name: str(tmp_path / "missing.pem")}).get()


@pytest.mark.parametrize("in_one_file", [True, False])
def test_a_client_certificate_is_shown_to_a_server_that_asks(
    tmp_path: Path, in_one_file: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CA)
    both = tmp_path / "both.pem"
    both.write_text((TLS / "localhost.pem").read_text() + (TLS / "localhost.key").read_text())
    shown = {"cert_file": CA, "key_file": str(TLS / "localhost.key")}
    with FaultServer(otherwise=RUN, tls=context) as server:
        run = run_of(
            localhost(server),
            ssl_ca_cert=CA,
            **({"cert_file": str(both)} if in_one_file else shown),
        )

        assert run.get().uuid == "0" * 32
        with pytest.raises(TransportError):
            run_of(localhost(server), ssl_ca_cert=CA).get()


def test_plain_http_on_a_tls_port_is_an_error_of_the_transport(tls_server: FaultServer) -> None:
    with pytest.raises(TransportError):
        run_of(localhost(tls_server).replace("https", "http")).get()


# Retries


def test_nothing_is_retried_unless_the_connection_says_so(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(503), times=1)

    with pytest.raises(AxonlogError):
        run_of(fault_server.url).get()

    assert len(fault_server.requests) == 1


def test_with_retries_a_read_is_tried_again_and_a_write_is_not(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN
    run = run_of(fault_server.url, retries=1)

    fault_server.fault(Answer(503, b"", {"Retry-After": "3600"}), times=1)
    run.get()
    fault_server.fault(Reset(), times=1)
    run.get()
    for fault in (Answer(503), Reset()):
        fault_server.fault(fault, times=1)
        with pytest.raises(AxonlogError):
            run.update(name="n")

    assert [r.method for r in fault_server.requests] == ["GET"] * 4 + ["PATCH"] * 2


def test_with_retries_a_write_to_a_dead_server_fails_as_plainly() -> None:
    with pytest.raises(TransportError) as failed:
        run_of("http://127.0.0.1:1", retries=3).update(name="n")

    assert failed.value.reason == "refused"


# Uploads


def test_an_upload_reads_the_file_in_small_blocks_and_knows_its_length(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 30_000_000)
    with (tmp_path / "big").open("rb") as file:
        body = MultipartFile(file, size_bytes=30_000_000, name="big", fields={"untar": False})
        tracemalloc.start()
        sent = sum(map(len, body))
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert sent == len(body)
    assert peak_bytes < 1_000_000


def test_an_upload_says_where_the_file_belongs_and_nothing_of_where_it_came_from(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "f.txt").write_text("content")

    run_of(fault_server.url).upload_file(tmp_path / "f.txt", to_dir="a/b", name="g.txt")

    request = fault_server.requests[0]
    assert request.path.startswith("/streams/v1/polyaxon/acme/digits/runs/")
    assert request.path.endswith("/artifact")
    assert int(request.headers["content-length"]) == len(request.body)
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    field, file = request.body.split(b"--" + boundary)[1:3]
    assert json.loads(field.partition(b"\r\n\r\n")[2]) == {
        "untar": False,
        "path": "a/b",
        "overwrite": True,
    }
    assert file.endswith(b"\r\n\r\ncontent\r\n")
    assert b"g.txt" in file
    assert str(tmp_path).encode() not in request.body


def test_a_file_that_grows_while_it_is_sent_arrives_as_it_was(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"a" * 50_000)

    def grow(sent: int, total: int) -> None:
        with (tmp_path / "f").open("ab") as file:
            file.write(b"more " * 1000)

    run_of(fault_server.url).upload_file(tmp_path / "f", to_dir="", on_progress=grow)

    body = fault_server.requests[0].body
    assert (body.count(b"a" * 50_000), body.count(b"more ")) == (1, 0)


def test_a_file_that_is_cut_while_it_is_sent_is_not_taken_for_sent(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"a" * 200_000)
    run = run_of(fault_server.url)

    def cut(sent: int, total: int) -> None:
        os.truncate(tmp_path / "f", 1000)

    with pytest.raises(TransportError, match=r"the file ended \d+ bytes early"):
        run.upload_file(tmp_path / "f", to_dir="", on_progress=cut)

    (tmp_path / "f").write_bytes(b"again")
    run.upload_file(tmp_path / "f", to_dir="")


def test_a_file_that_cannot_be_read_is_told_from_a_broken_line(
    fault_server: FaultServer,
) -> None:
    class BadDisk(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(TransportError, match="the file cannot be read: Input/output error"):
        run_of(fault_server.url).upload_tar(BadDisk(b"x" * 100), to_dir="d", overwrite=True)


def test_a_file_that_is_not_there_is_an_error_of_the_file(fault_server: FaultServer) -> None:
    with pytest.raises(FileNotFoundError):
        run_of(fault_server.url).upload_file("missing", to_dir="")

    assert fault_server.requests == ()


def test_a_tree_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    error = b'{"files": {}, "dirs": [], "error": "Could not list path u. Error Access Denied"}'
    fault_server.fault(Answer(200, error), method="GET")
    (tmp_path / "f").write_text("x")
    run = run_of(fault_server.url)

    with pytest.raises(AxonlogError, match="Access Denied"):
        run.get_tree_recursive()
    with pytest.raises(AxonlogError, match="Access Denied"):
        run.upload_tar(tmp_path / "f", to_dir="d", overwrite=False)

    assert {request.method for request in fault_server.requests} == {"GET"}


# Sharing


def test_threads_may_share_a_client(fault_server: FaultServer) -> None:
    arrived = threading.Barrier(8, timeout=30)

    def answer_when_all_are_here(exchange: Exchange) -> None:
        arrived.wait()
        RUN(exchange)

    fault_server.fault(answer_when_all_are_here)
    run = run_of(fault_server.url, pool_maxsize=8)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: run.get().uuid, range(16)))

    assert found == ["0" * 32] * 16


def test_a_connection_is_kept_for_the_next_request(fault_server: FaultServer) -> None:
    ports = set()

    def note_the_port(exchange: Exchange) -> None:
        ports.add(exchange.handler.client_address[1])
        RUN(exchange)

    fault_server.fault(note_the_port)
    with client_of(fault_server.url) as client:
        for _ in range(3):
            RunClient("acme", "digits", "0" * 32, client).get()

    assert len(ports) == 1


def test_a_closed_client_opens_again(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN
    run = run_of(fault_server.url)
    run.get()
    run.client.close()

    assert run.get().uuid == "0" * 32


def test_a_forked_child_has_connections_of_its_own(fault_server: FaultServer) -> None:
    ports: list[int] = []

    def note_the_port(exchange: Exchange) -> None:
        ports.append(exchange.handler.client_address[1])
        RUN(exchange)

    fault_server.fault(note_the_port)
    run = run_of(fault_server.url)
    run.get()

    with warnings.catch_warnings():
        # Python warns of forks beside threads; the child here only asks and leaves.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if run.get().uuid == "0" * 32 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    run.get()

    assert os.waitstatus_to_exitcode(status) == 0
    assert ports[0] == ports[2] != ports[1]


def test_a_client_built_by_hand_resolves_with_its_first_request(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_server.otherwise = RUN
    client = PolyaxonClient(ClientConfig(host=fault_server.url), token="given")
    monkeypatch.setenv("POLYAXON_TIMEOUT", "7")

    RunClient(project="acme/digits", run_uuid="0" * 32, client=client).get()

    assert fault_server.requests[0].headers["authorization"] == "Token given"
    assert (client.host, client.connection.timeout_s) == (fault_server.url, 7)


@pytest.mark.parametrize("token", [None, "t"])
def test_a_run_resolved_with_a_client_goes_where_the_client_goes(
    monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    connection = Connection(host="http://a.example", token=token, timeout_s=None, retries=2)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "another")
    monkeypatch.setenv("POLYAXON_HOST", "http://a.example")

    found = resolve(project="o/p", client=PolyaxonClient.from_connection(connection)).connection

    assert (found.host, found.timeout_s, found.retries) == ("http://a.example", None, 2)
    assert (found.token.get_secret_value() if found.token else None) == token


def test_without_a_request_requests_is_not_imported() -> None:
    code = (
        "import sys; from axonlog.client import RunClient; RunClient(project='a/b'); "
        "sys.exit('requests' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The instruments themselves


def test_a_lost_answer_was_an_answer_all_the_same(fault_server: FaultServer) -> None:
    fault_server.otherwise = RUN
    with FaultServer(upstream=fault_server.url) as proxy:
        proxy.fault(LoseAnswer())

        with pytest.raises(TransportError) as lost:
            run_of(proxy.url).update(name="n")

        assert [request.status for request in proxy.requests] == [None]
    assert lost.value.reason == "reset"
    assert [request.status for request in fault_server.requests] == [200]


def test_a_hanging_server_answers_when_it_is_released(fault_server: FaultServer) -> None:
    hang = Hang(then=RUN)
    fault_server.fault(hang)
    run = run_of(fault_server.url)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(run.get)
        fault_server.wait_for(lambda request: request.method == "GET")
        assert not waiting.done()
        hang.released.set()

        assert waiting.result(30).uuid == "0" * 32
