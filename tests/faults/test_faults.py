"""What becomes of a run when the way to the server, or the server, is not what it should be.

Each row is a real training against the real server, behind a proxy that fails. Whatever happens:
the exit code is the script's own, stderr has three lines of ours at most, and when the fault is
over (or after ``axonlog sync``) the server has every point and every file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from support.fault_server import (
    Action,
    Answer,
    Corrupt,
    Duplicate,
    FaultProxy,
    Forward,
    Hang,
    LoseAnswer,
    Request,
    Reset,
    Slow,
)

JSON = {"Content-Type": "application/json"}
DISGUISED = Answer(405, b"", {"Content-Type": "text/html; charset=utf-8"})
NOT_STORED = Answer(
    400,
    b"Run's artifacts upload was unsuccessful, an error was raised while uploading the data "
    b"[Errno 28] No space left on device.",
    {"Content-Type": "text/html; charset=utf-8"},
)
FILES = "^/streams/"
UPLOADS = "/artifacts?$"


@dataclass(frozen=True)
class Fault:
    """One row: what goes wrong, from when on, and how it ends.

    Attributes:
        action: What the proxy does instead of passing on.
        path: Of the requests that it does so for; all if not given.
        at_start: From the first request on, and not from the middle of the run.
        times: How often, and then no more: the run must overcome it by itself.
        is_over: Whether the run can: what fails until it has ended is left to ``axonlog sync``.
    """

    action: Action
    path: str | None = None
    at_start: bool = False
    times: int | None = None
    method: str | None = None

    @property
    def is_over(self) -> bool:
        return self.times is not None


def too_many(after: str) -> Answer:
    return Answer(429, b'{"detail": "slow down"}', {**JSON, "Retry-After": after})


def in_a_second_by_a_wrong_clock() -> Action:
    """A server that is an hour fast, and says when to come back by its own clock."""

    def answer(exchange):
        now = datetime.now(timezone.utc) + timedelta(hours=1)
        exchange.request.read_body()
        exchange.send(
            429,
            {
                **JSON,
                "Date": format_datetime(now, usegmt=True),
                "Retry-After": format_datetime(now + timedelta(seconds=1), usegmt=True),
            },
            b"{}",
        )

    return answer


FAULTS = {
    # Those that pass while the run goes on.
    "nothing": Fault(Forward(), times=0),
    "six failures at the end": Fault(Answer(500), times=6),
    "six disguised failures": Fault(DISGUISED, times=6),
    "files fail at first": Fault(Answer(500), FILES, at_start=True, times=3),
    "resets in the middle of an upload": Fault(Reset(after_bytes=500), UPLOADS, times=3),
    "answers that are cut off": Fault(Forward(keep_bytes=5), times=4),
    "files that are cut off": Fault(Corrupt(keep_bytes=100), "/artifact$", times=2),
    "files that are taken and lost": Fault(Answer(200, b""), UPLOADS, method="POST", times=3),
    "statuses and lineage that are taken and lost": Fault(
        Answer(201), "/statuses$|/lineage/artifacts$", method="POST", times=2
    ),
    "too many requests": Fault(too_many("1"), times=3),
    "too many requests, by a wrong clock": Fault(in_a_second_by_a_wrong_clock(), times=3),
    "lost answers": Fault(LoseAnswer(), times=5),
    "a lost answer to the registration": Fault(LoseAnswer(), at_start=True, times=1),
    "every request twice": Fault(Duplicate(), at_start=True, times=1_000_000),
    # Those that last until after the end.
    "failures": Fault(Answer(500)),
    "disguised failures": Fault(DISGUISED),
    "failures from the start": Fault(Answer(500), at_start=True),
    "resets": Fault(Reset()),
    "silence": Fault(Hang()),
    "silence from the start": Fault(Hang(), at_start=True),
    "files fail": Fault(Answer(500), FILES, at_start=True),
    "files hang": Fault(Hang(), FILES),
    "one kilobyte in a second": Fault(Slow(1000), UPLOADS),
    "a full disk": Fault(Answer(507, b""), UPLOADS),
    "a full disk, in the words of the file service": Fault(NOT_STORED, UPLOADS),
    "a proxy's page": Fault(Answer(200, b"<html>", {"Content-Type": "text/html"})),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_nothing_is_lost_to(fault_proxy, training, fault):
    train = training(fault_proxy.url)

    def begin():
        return fault_proxy.fault(
            fault.action, path=fault.path, method=fault.method, times=fault.times
        )

    rule = begin() if fault.at_start else None
    train.start(end_timeout_s=30 if fault.is_over else 1.5)
    train.read()
    assert train.read() == "half"
    rule = rule or begin()
    train.go_on()
    assert train.read() == "logged"
    assert train.end() == 0, train.stderr
    assert len(train.told) <= 3, train.stderr
    assert train.stderr.splitlines() == train.told
    assert rule.hits or fault.times == 0
    if not fault.is_over:
        assert f"`axonlog sync {train.directory.name}`" in train.told[-1]
        rule.remove()
        if isinstance(fault.action, Hang):
            fault.action.released.set()
        assert train.run.get().status != "succeeded" if not fault.at_start else True
        assert train.sync().is_complete
    train.check()
    before = len(fault_proxy.requests)
    assert train.sync().is_complete
    assert all(request.method == "GET" for request in fault_proxy.requests[before:])


@pytest.mark.parametrize(
    ("ending", "exit_code", "status"),
    [
        ("sys.exit(3)", 3, "failed"),
        ("raise ValueError('nan')", 1, "failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15, "stopped"),
    ],
    ids=["exit code", "exception", "SIGTERM"],
)
def test_the_ending_is_true_although_the_server_was_away(
    fault_proxy, training, ending, exit_code, status
):
    train = training(fault_proxy.url)
    train.start(ending, end_timeout_s=1)
    train.read()
    train.read()
    rule = fault_proxy.fault(Answer(500))
    train.go_on()
    assert train.end() == exit_code
    assert len(train.told) <= 3
    rule.remove()
    assert train.sync().is_complete
    train.check(status)


def test_a_server_that_is_down_at_the_start_gets_everything_when_it_is_up(
    polyaxon_server, training
):
    with FaultProxy(polyaxon_server.url) as gone:
        pass
    train = training(gone.url)
    train.start(end_timeout_s=40)
    train.read()
    assert train.read() == "half"
    train.go_on()
    assert train.read() == "logged"
    with FaultProxy(polyaxon_server.url, port=gone.port):
        assert train.end() == 0
        train.check()
    assert len(train.told) == 2
    assert "(host from environment)" in train.told[0]
    assert "answers again" in train.told[1]


def test_a_server_that_dies_gets_everything_when_it_is_back(polyaxon_server, training):
    with FaultProxy(polyaxon_server.url) as first:
        train = training(first.url)
        train.start(end_timeout_s=1)
        train.read()
        assert train.read() == "half"
        first.wait_for(is_upload)
    train.go_on()
    assert train.end() == 0
    assert train.run.get().status == "running"
    with FaultProxy(polyaxon_server.url, port=first.port):
        assert train.sync().is_complete
    train.check()


def test_a_server_that_starts_again_with_its_data_gets_the_rest(
    fault_proxy, polyaxon_server, training
):
    train = training(fault_proxy.url)
    train.start(end_timeout_s=90)
    train.read()
    assert train.read() == "half"
    fault_proxy.wait_for(is_upload)
    polyaxon_server.stop()
    train.go_on()
    assert train.read() == "logged"
    polyaxon_server.start()
    assert train.end() == 0
    assert len(train.told) <= 3
    train.check()


def is_upload(request: Request) -> bool:
    return request.method == "POST" and request.path.startswith("/streams/")


def token_of(request: Request) -> str | None:
    return request.headers.get("authorization")


@pytest.fixture
def login(tmp_path: Path) -> Callable[[str], None]:
    """Log in as the command line of Polyaxon does."""
    home = tmp_path / "home"
    (home / ".polyaxon").mkdir(parents=True)

    def write(token: str) -> None:
        (home / ".polyaxon" / ".auth").write_text(json.dumps({"token": token}))

    write("old-secret")
    return write


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_revoked_pauses_the_delivery_until_there_is_a_new_one(
    fault_proxy, training, login, tmp_path, status
):
    train = training(fault_proxy.url)
    train.start(end_timeout_s=30, HOME=str(tmp_path / "home"))
    train.read()
    assert train.read() == "half"
    fault_proxy.wait_for(is_upload)
    denied = Answer(status, b'{"detail": "revoked"}', JSON)
    rule = fault_proxy.fault(denied, lambda request: token_of(request) == "Token old-secret")
    before = len(fault_proxy.requests)
    fault_proxy.wait_for(lambda request: request.status == status, count=1)
    login("new-secret")
    fault_proxy.wait_for(lambda request: token_of(request) == "Token new-secret")
    train.go_on()
    assert train.end() == 0
    assert rule.hits == 1, fault_proxy.requests[before:]
    assert len(train.told) == 2
    assert "delivery pauses until the credentials change" in train.told[0]
    assert "secret" not in train.stderr
    train.check()


def test_a_token_that_stays_revoked_leaves_the_rest_to_sync(fault_proxy, training, login, tmp_path):
    train = training(fault_proxy.url)
    train.start(end_timeout_s=30, HOME=str(tmp_path / "home"))
    train.read()
    assert train.read() == "half"
    fault_proxy.fault(
        Answer(401, b'{"detail": "revoked"}', JSON),
        lambda request: token_of(request) == "Token old-secret",
    )
    train.go_on()
    assert train.end() == 0
    assert len(train.told) <= 3
    assert "old-secret" not in train.stderr
    assert train.sync(token="new-secret").is_complete
    train.check()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_costs_nothing(fault_proxy, training, tmp_path, hours):
    skew = tmp_path / "skew"
    skew.mkdir()
    (skew / "sitecustomize.py").write_text(
        f"""
import datetime, time
OFFSET = {hours * 3600}
real_time, real_time_ns, real = time.time, time.time_ns, datetime.datetime
time.time = lambda: real_time() + OFFSET
time.time_ns = lambda: real_time_ns() + OFFSET * 10**9

class Wrong(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=OFFSET)

datetime.datetime = Wrong
"""
    )
    import os

    train = training(fault_proxy.url)
    train.start(PYTHONPATH=f"{skew}:{os.environ.get('PYTHONPATH', '')}")
    train.read()
    assert train.read() == "half"
    train.go_on()
    assert train.end() == 0
    assert train.stderr == ""
    train.check()
