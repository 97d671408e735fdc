"""What a call raises when the server, the network or the file is at fault."""

from __future__ import annotations

import json
import pickle
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from axonlog.client import (
    ClientConfig,
    PolyaxonClient,
    ProjectClient,
    RunClient,
    is_already_there,
    is_retryable,
)
from axonlog.client._error_kinds import _detail, server_error
from axonlog.errors import (
    AuthenticationError,
    AxonlogError,
    ContextError,
    EventError,
    RefusedError,
    ServerError,
    TransportError,
)
from support.clients import client_of, run_document, run_of
from support.fault_server import Answer, FaultServer, Hang, Reset, Truncate

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


def raised(call: Callable[[], object]) -> AxonlogError:
    with pytest.raises(AxonlogError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_an_authentication_error(
    fault_server: FaultServer, status: int
) -> None:
    fault_server.fault(Answer(status, b'{"detail": "Invalid token."}'))

    error = raised(run_of(fault_server.url, token="s3cret").get)

    assert isinstance(error, RefusedError)
    assert isinstance(error, AuthenticationError)
    assert (error.status, error.detail, error.method) == (status, "Invalid token.", "GET")
    assert "check the token" in str(error)
    assert not is_retryable(error)


@pytest.mark.parametrize(
    ("body", "headers", "detail"),
    [
        (b'{"detail": "No Run matches."}', JSON, "No Run matches."),
        (b'["key `x` is not supported", "nor y"]', JSON, "key `x` is not supported; nor y"),
        (
            b'{"uuid": ["This field is required."], "name": ["a", "b"]}',
            JSON,
            "uuid: This field is required.; name: a; b",
        ),
        (b"Artifact not found: filepath=x", HTML, "Artifact not found: filepath=x"),
        (b"<html><body>Not Found</body></html>", HTML, None),
        (b"", HTML, None),
        (b"\xff\xfe", {"Content-Type": "application/octet-stream"}, None),
    ],
)
def test_the_servers_own_words_are_kept(
    fault_server: FaultServer, body: bytes, headers: dict[str, str], detail: str | None
) -> None:
    fault_server.fault(Answer(404, body, headers))
    run = run_of(fault_server.url)

    error = raised(run.get)

    url = f"{fault_server.url}/api/v1/acme/digits/runs/{run.run_uuid}"
    assert isinstance(error, ServerError)
    assert (error.status, error.detail, error.url) == (404, detail, url)
    assert str(error).startswith(f"GET {url}: the server answered 404")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False), (404, False), (405, False), (408, True), (409, False), (410, False),
        (413, False), (422, False), (425, True), (429, True), (500, True), (501, True),
        (502, True), (503, True), (504, True), (507, True),
    ],
)  # fmt: skip
def test_it_is_known_what_may_be_tried_again(
    fault_server: FaultServer, status: int, retryable: bool
) -> None:
    fault_server.fault(Answer(status, b'{"detail": "x"}'))

    error = raised(run_of(fault_server.url).get)

    assert isinstance(error, ServerError)
    assert (error.status, is_retryable(error)) == (status, retryable)
    assert len(fault_server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_empty_405_page_is_a_failure_of_the_server(
    fault_server: FaultServer, method: str
) -> None:
    fault_server.fault(Answer(405, b"", {**HTML, "Allow": "GET, HEAD, OPTIONS"}))
    run = run_of(fault_server.url)

    error = raised(
        (lambda: run.log_status("running")) if method == "POST" else (lambda: run.update(name="n"))
    )

    assert isinstance(error, ServerError)
    assert (error.status, error.is_disguised, is_retryable(error)) == (405, True, True)
    assert "it failed inside" in str(error)


def test_other_405_are_what_they_seem(fault_server: FaultServer) -> None:
    run = run_of(fault_server.url)
    fault_server.fault(Answer(405, b"", HTML), method="GET")
    fault_server.fault(Answer(405, b'{"detail": "Method not allowed."}'), method="POST")

    errors = [raised(run.get), raised(lambda: run.log_status("running"))]

    assert [is_retryable(error) for error in errors] == [False, False]


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_server_asks_for_is_known(fault_server: FaultServer, status: int) -> None:
    moment = datetime.now(timezone.utc) + timedelta(hours=1)
    waits = []
    for value in (
        "17",
        "0",
        format_datetime(moment, usegmt=True),
        "soon",
        "",
        "Mon, 01 Jan 2001 00:00:00",
    ):
        fault_server.fault(Answer(status, b"", {"Retry-After": value}), times=1)
        error = raised(run_of(fault_server.url).get)
        assert isinstance(error, ServerError)
        waits.append(error.retry_after_s)

    assert waits[:2] == [17.0, 0.0]
    assert waits[2] == pytest.approx(3600, abs=60)
    assert waits[3:] == [None, None, 0.0]


def test_a_wait_until_a_moment_goes_by_the_clock_that_names_it() -> None:
    theirs = datetime(2030, 1, 1, tzinfo=timezone.utc)
    error = server_error(
        method="GET",
        url="u",
        status=429,
        headers={
            "Date": format_datetime(theirs, usegmt=True),
            "Retry-After": format_datetime(theirs + timedelta(seconds=5), usegmt=True),
        },
        body=b"",
        secret=None,
    )
    assert error.retry_after_s == 5


def test_a_file_that_the_server_could_not_store_may_be_sent_again(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    said = b"Run's artifacts upload was unsuccessful, an error was raised: [Errno 28] No space left"
    fault_server.fault(Answer(400, said, HTML))
    (tmp_path / "f").write_text("1")

    error = raised(lambda: run_of(fault_server.url).upload_file(tmp_path / "f", to_dir=""))

    assert isinstance(error, ServerError)
    assert (error.is_disguised, is_retryable(error)) == (True, True)
    assert "No space left" in str(error)


def test_a_success_that_lacks_the_uuid_is_an_error_that_names_it(
    fault_server: FaultServer,
) -> None:
    fault_server.fault(Answer(201, b'{"name": "n"}'))
    run = run_of(fault_server.url)

    error = raised(lambda: run.sync(run_document(str(run.run_uuid))))

    assert isinstance(error, ServerError)
    assert error.status == 201
    assert "unexpected answer (201): uuid: field required" in str(error)
    assert is_retryable(error)


@pytest.mark.parametrize("uuid", [b"", b'"uuid": null, '])
def test_an_answer_about_a_run_needs_no_uuid(fault_server: FaultServer, uuid: bytes) -> None:
    fault_server.fault(Answer(200, b'{%s"status": "running", "tags": ["t"]}' % uuid))
    run = run_of(fault_server.url)

    found = run.get()

    assert (found.uuid, found.status, found.tags) == (run.run_uuid, "running", ("t",))


def test_any_object_is_no_run(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(200, b'{"hello": "world"}'))

    error = raised(run_of(fault_server.url).get)

    assert "uuid: field required" in str(error)


def test_a_run_registered_under_another_uuid_is_an_error(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(201, b'{"uuid": "%s"}' % (b"f" * 32)))
    run = run_of(fault_server.url)

    error = raised(lambda: run.sync(run_document(str(run.run_uuid))))

    assert f"uuid '{'f' * 32}' instead of {run.run_uuid!r}" in str(error)


LOGIN_PAGE = Answer(200, b"<html>Please log in</html>", HTML)


@pytest.mark.parametrize(
    "call",
    [
        lambda run, file: run.get(),
        lambda run, file: run.update(name="n"),
        lambda run, file: run.log_status("running"),
        lambda run, file: run.log_lineage([]),
        lambda run, file: run.get_statuses(),
        lambda run, file: run.get_lineage(),
        lambda run, file: run.list(),
        lambda run, file: run.get_tree(),
        lambda run, file: run.get_events("metric", ["loss"]),
        lambda run, file: run.upload_file(file, to_dir=""),
        lambda run, file: run.upload_tar(file, to_dir="", overwrite=True),
        lambda run, file: ProjectClient("acme", "digits", run.client).create(),
    ],
)
def test_the_login_page_of_a_proxy_is_never_taken_for_success(
    fault_server: FaultServer, tmp_path: Path, call: Callable[[RunClient, Path], object]
) -> None:
    (tmp_path / "f").write_text("x")
    fault_server.fault(LOGIN_PAGE)

    error = raised(lambda: call(run_of(fault_server.url), tmp_path / "f"))

    assert isinstance(error, ServerError)
    assert "is this a Polyaxon server" in str(error)


def test_an_unknown_field_and_a_changed_type_do_not_stop_anyone(
    fault_server: FaultServer,
) -> None:
    fault_server.fault(
        Answer(
            200,
            b'{"uuid": "0123456789ab-cdef-0123-456789abcdef", "new": 1, "tags": {"a": 1}, '
            b'"duration": "long", "status": "running", "status_conditions": {}}',
        )
    )

    run = run_of(fault_server.url).get()

    assert (run.uuid, run.status) == ("0123456789abcdef0123456789abcdef", "running")
    assert (run.tags, run.duration, run.status_conditions) == (None, None, ())


def test_a_write_is_not_redirected_into_a_read(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(301, b"", {"Location": "https://user:pw@new.example/api?x=1"}))

    error = raised(lambda: run_of(fault_server.url).log_status("running"))

    assert isinstance(error, ServerError)
    assert (error.status, is_retryable(error)) == (301, False)
    assert "points to 'https://new.example/api'" in str(error)
    assert [request.method for request in fault_server.requests] == ["POST"]


def test_a_read_that_is_redirected_without_end_is_told(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(302, b"", {"Location": "/again"}))

    error = raised(run_of(fault_server.url).get)

    assert isinstance(error, TransportError)
    assert "redirected without end" in str(error)


def test_a_project_that_is_refused_for_another_reason_is_not_taken_for_there(
    fault_server: FaultServer,
) -> None:
    fault_server.fault(Answer(400, b'{"name": ["too long"]}'))
    project = ProjectClient("acme", "digits", client_of(fault_server.url))

    assert "name: too long" in str(raised(lambda: project.create(exist_ok=True)))
    assert repr(project) == f"ProjectClient(acme/digits, PolyaxonClient({fault_server.url}))"


# When no usable answer comes


def test_a_server_that_is_not_there_is_named_as_such() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer here
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        error = raised(run_of(url).get)

    assert isinstance(error, TransportError)
    assert (error.reason, error.method) == ("refused", "GET")
    assert f"GET {url}/api/v1/acme/digits/runs/" in str(error)
    assert "connection refused" in str(error)


def test_a_server_that_says_nothing_is_a_timeout(fault_server: FaultServer) -> None:
    fault_server.fault(Hang())

    error = raised(run_of(fault_server.url, timeout_s=0.2).get)

    assert isinstance(error, TransportError)
    assert error.reason == "timeout"
    assert is_retryable(error)


def test_a_client_can_be_asked_to_be_less_patient(fault_server: FaultServer) -> None:
    fault_server.fault(Hang())
    patient = client_of(fault_server.url, timeout_s=600, token="t")

    error = raised(RunClient("acme", "digits", "0" * 32, patient.with_timeout(0.2)).get)

    assert isinstance(error, TransportError)
    assert error.reason == "timeout"
    assert fault_server.requests[0].headers["authorization"] == "Token t"


def test_a_reset_connection_is_told_apart(fault_server: FaultServer) -> None:
    fault_server.fault(Reset())

    error = raised(run_of(fault_server.url).get)

    assert isinstance(error, TransportError)
    assert error.reason == "reset"


def test_a_connection_that_breaks_in_the_middle_of_an_upload_is_told(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 20_000_000)
    rule = fault_server.fault(Reset(after_bytes=100_000), method="POST")

    error = raised(lambda: run_of(fault_server.url).upload_file(tmp_path / "f", to_dir=""))

    assert isinstance(error, TransportError)
    assert (error.reason, error.method, rule.hits) == ("reset", "POST", 1)


def test_a_truncated_answer_is_no_answer(fault_server: FaultServer) -> None:
    body = b'{"uuid": "%s"}' % (b"0" * 32)
    fault_server.fault(Truncate(body, keep_bytes=20))

    error = raised(run_of(fault_server.url).get)

    assert isinstance(error, TransportError)
    assert error.reason == "reset"


def test_a_truncated_download_leaves_the_file_as_it_was(
    fault_server: FaultServer, tmp_path: Path
) -> None:
    fault_server.fault(Truncate(b"x" * 1_000_000, keep_bytes=700_000))
    (tmp_path / "model").write_text("before")

    error = raised(lambda: run_of(fault_server.url).download_file("model", tmp_path / "model"))

    assert isinstance(error, TransportError)
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("model", "before")]


def test_a_full_disk_is_not_blamed_on_the_server(
    fault_server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def open_there(path: Path, *arguments: Any, **options: Any) -> Any:
        if tmp_path not in path.parents:
            return opened(path, *arguments, **options)
        return opened(Path("/dev/full"), "wb", buffering=0)

    monkeypatch.setattr(Path, "open", open_there)
    fault_server.fault(Answer(200, b"x" * 1_000_000))

    with pytest.raises(OSError, match="No space left"):
        run_of(fault_server.url).download_file("f", tmp_path / "f")


def test_a_name_that_nobody_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    error = raised(run_of("http://polyaxon.invalid").get)

    assert isinstance(error, TransportError)
    assert error.reason == "name"


@pytest.mark.parametrize(
    "host",
    ["polyaxon.example", "ftp://x", "http://", "http://[::1", "http://a b", "http://me:pw@x"],
)
def test_a_host_that_is_no_address_is_refused_before_anything_is_sent(host: str) -> None:
    assert isinstance(raised(lambda: run_of(host).get()), ContextError)


def test_a_host_that_http_cannot_say_is_refused() -> None:
    assert isinstance(raised(run_of(f"http://{'x' * 70}.example").get), ContextError)


def test_a_failed_request_does_not_hide_behind_the_callers_exception(
    fault_server: FaultServer,
) -> None:
    fault_server.fault(Hang())
    run = run_of(fault_server.url, timeout_s=0.2)

    try:
        raise ConnectionRefusedError("of something else")
    except ConnectionRefusedError:
        error = raised(run.get)

    assert isinstance(error, TransportError)
    assert error.reason == "timeout"


# What is wrong before anything is sent


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({}, "no owner"),
        ({"owner": "acme"}, "no project"),
        ({"project": "acme/digits"}, "no run"),
        ({"owner": "..", "project": "p", "run_uuid": "0" * 32}, "'..' cannot be the name"),
    ],
)
def test_a_call_says_which_part_of_the_address_it_misses(
    fault_server: FaultServer, arguments: dict[str, Any], missing: str
) -> None:
    run = RunClient(**arguments, client=client_of(fault_server.url))

    assert missing in str(raised(run.get))
    assert fault_server.requests == ()


def test_odd_names_stay_in_their_place_in_the_url(fault_server: FaultServer) -> None:
    run = RunClient("a/b", "c?d#e%f é", "0" * 32, client_of(fault_server.url))

    raised(run.get)

    assert fault_server.requests[0].target == (
        f"/api/v1/a%2Fb/c%3Fd%23e%25f%20%C3%A9/runs/{'0' * 32}"
    )


def test_a_status_that_does_not_exist_is_refused_here(fault_server: FaultServer) -> None:
    error = raised(lambda: run_of(fault_server.url).log_status("finished"))  # type: ignore[arg-type]

    assert isinstance(error, EventError)
    assert fault_server.requests == ()


def test_what_json_cannot_say_is_refused_here(fault_server: FaultServer) -> None:
    error = raised(lambda: run_of(fault_server.url).update(inputs={"lock": threading.Lock()}))

    assert isinstance(error, EventError)
    assert fault_server.requests == ()


# Errors keep their facts when they travel


def test_already_there_needs_the_status_and_the_words() -> None:
    def error(status: int, detail: str) -> ServerError:
        return ServerError("x", status=status, detail=detail)

    assert is_already_there(error(400, "A run with uuid x already exists."))
    assert not is_already_there(error(500, "already exists"))
    assert not is_already_there(error(400, "is required"))
    assert not is_already_there(ValueError("already exists"))
    assert not is_retryable(ValueError("x"))


def test_a_pickled_client_holds_no_token_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "s3cr3t-t0ken")
    client = PolyaxonClient(ClientConfig(host="http://polyaxon.test"))
    assert client.connection.token is not None
    pickled = pickle.dumps(client)
    assert b"s3cr3t-t0ken" not in pickled
    assert pickle.loads(pickled).connection == client.connection


def test_what_a_server_says_is_one_line_and_no_command_to_a_terminal() -> None:
    body = json.dumps({"detail": "one\ntwo \x1b[31m"}).encode()
    assert _detail(body, "application/json") == "one two ?[31m"


def test_a_client_can_be_pickled_and_used_again(fault_server: FaultServer) -> None:
    fault_server.fault(Answer(200, b'{"uuid": "%s"}' % (b"0" * 32)))
    run = run_of(fault_server.url, token="t")
    run.get()

    copy: RunClient = pickle.loads(pickle.dumps(run))

    assert copy.get().uuid == "0" * 32
    assert (copy.owner, copy.project, copy.run_uuid) == (run.owner, run.project, run.run_uuid)
    assert [r.headers["authorization"] for r in fault_server.requests] == ["Token t"] * 2
