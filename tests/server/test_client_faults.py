"""The real server behind a line that fails: what a second attempt finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from axonlog.client import RunClient, is_already_there
from axonlog.errors import ServerError, TransportError
from support.clients import client_of, registered_run, run_document
from support.fault_server import Answer, FaultProxy, Forward, LoseAnswer, Reset, Slow


@pytest.fixture
def run(fault_proxy: FaultProxy) -> RunClient:
    return registered_run(fault_proxy.url)


def test_a_registration_whose_answer_got_lost_is_found_by_the_next(
    run: RunClient, fault_proxy: FaultProxy
) -> None:
    fault_proxy.fault(LoseAnswer(), path="/runs/sync$", times=1)
    twin = RunClient(run.owner, run.project, "ab" * 16, run.client)
    registration = run_document("ab" * 16)

    with pytest.raises(TransportError) as lost:
        twin.sync(registration)
    with pytest.raises(ServerError) as refused:
        twin.sync(registration)

    assert lost.value.reason == "reset"
    assert is_already_there(refused.value)
    assert twin.sync(registration, exist_ok=True).uuid == "ab" * 16


def test_an_upload_that_broke_off_leaves_nothing_and_can_be_sent_again(
    run: RunClient, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 5_000_000)
    fault_proxy.fault(Reset(after_bytes=1_000_000), path="/artifact$", times=1)

    with pytest.raises(TransportError):
        run.upload_file(tmp_path / "f", to_dir="d")
    before = run.get_tree_recursive()
    run.upload_file(tmp_path / "f", to_dir="d")

    assert (before, run.get_tree_recursive()) == ({}, {"d/f": 5_000_000})


def test_a_line_slower_than_the_time_limit_still_carries_a_file(
    run: RunClient, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 60_000)
    fault_proxy.fault(Slow(bytes_per_s=40_000), path="/artifact$")
    hasty = RunClient(run.owner, run.project, run.run_uuid, run.client.with_timeout(1))

    hasty.upload_file(tmp_path / "f", to_dir="")

    assert run.get_tree().files == {"f": 60_000}


def test_an_answer_cut_short_is_not_taken_for_a_small_one(
    run: RunClient, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    run.upload_file(tmp_path / "f", to_dir="")
    fault_proxy.fault(Forward(keep_bytes=5), path="/artifact$", method="GET", times=1)

    with pytest.raises(TransportError):
        run.download_file("f", tmp_path / "back")

    assert not (tmp_path / "back").exists()
    assert run.download_file("f", tmp_path / "back").read_bytes() == b"0123456789"


def test_a_fault_can_be_chosen_by_what_a_request_says(
    run: RunClient, fault_proxy: FaultProxy
) -> None:
    rule = fault_proxy.fault(
        Answer(503), when=lambda request: b"succeeded" in request.body, method="POST"
    )

    run.log_status("running")
    with pytest.raises(ServerError):
        run.log_status("succeeded")
    rule.remove()
    run.log_status("succeeded")

    assert rule.hits == 1
    posted = fault_proxy.wait_for(lambda request: request.path.endswith("/statuses"), count=3)
    assert [request.status for request in posted] == [201, 503, 201]


def test_a_server_whose_proxy_lost_it_answers_502(run: RunClient) -> None:
    with FaultProxy("http://127.0.0.1:1") as proxy, client_of(proxy.url) as client:
        lost = RunClient(run.owner, run.project, run.run_uuid, client)

        with pytest.raises(ServerError) as failed:
            lost.get()

    assert failed.value.status == 502
