"""Calls about projects and runs, against the real server, read back."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from axonlog.client import (
    Lineage,
    ProjectClient,
    RunClient,
    is_already_there,
    is_retryable,
)
from axonlog.errors import ServerError
from support.clients import client_of, registered_run, run_document, run_of
from support.polyaxon_server import PolyaxonServer


@pytest.fixture
def run(polyaxon_server: PolyaxonServer) -> Iterator[RunClient]:
    run = registered_run(polyaxon_server.url)
    with run.client:
        yield run


def test_a_created_project_can_be_read_back(polyaxon_server: PolyaxonServer) -> None:
    with client_of(polyaxon_server.url) as client:
        project = ProjectClient(project=f"acme/p-{uuid.uuid4().hex}", client=client)

        created = project.create(description="digits", tags=["a", "b"])

        assert (created.name, created.description, created.tags) == (
            project.project,
            "digits",
            ("a", "b"),
        )
        assert project.get().uuid == created.uuid


def test_creating_a_project_twice_is_recognisable_and_can_be_allowed(
    polyaxon_server: PolyaxonServer,
) -> None:
    with client_of(polyaxon_server.url) as client:
        project = ProjectClient("acme", f"p-{uuid.uuid4().hex}", client)
        created = project.create()

        with pytest.raises(ServerError) as refused:
            project.create()

        assert is_already_there(refused.value)
        assert not is_retryable(refused.value)
        assert project.create(exist_ok=True).uuid == created.uuid


def test_a_project_name_that_is_no_slug_is_refused_in_the_servers_words(
    polyaxon_server: PolyaxonServer,
) -> None:
    with (
        client_of(polyaxon_server.url) as client,
        pytest.raises(ServerError, match="name: Enter a valid") as refused,
    ):
        ProjectClient("acme", "not a slug", client).create(exist_ok=True)

    assert not is_already_there(refused.value)


def test_a_registered_run_keeps_the_uuid_it_was_given(polyaxon_server: PolyaxonServer) -> None:
    run = run_of(polyaxon_server.url)
    with run.client:
        ProjectClient(run.owner, run.project, run.client).create(exist_ok=True)
        moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        registration = run_document(
            run.run_uuid, name="first", tags=("t",), inputs={"lr": 0.1}, created_at=moment
        )

        answered = run.sync(registration)

        found = run.get()
    assert answered.uuid == run.run_uuid
    assert (found.uuid, found.name, found.tags, found.inputs, found.created_at, found.status) == (
        run.run_uuid,
        "first",
        ("t",),
        {"lr": 0.1},
        moment,
        "created",
    )


def test_registering_twice_is_recognisable_and_can_be_allowed(run: RunClient) -> None:
    registration = run_document(str(run.run_uuid), name="again")

    with pytest.raises(ServerError) as refused:
        run.sync(registration)

    assert is_already_there(refused.value)
    assert run.sync(registration, exist_ok=True).uuid == run.run_uuid


def test_registering_in_a_missing_project_is_a_404_with_the_servers_words(
    polyaxon_server: PolyaxonServer,
) -> None:
    run = run_of(polyaxon_server.url)
    run.project = "nowhere"

    with run.client, pytest.raises(ServerError) as missing:
        run.sync(run_document(str(run.run_uuid)))

    assert (missing.value.status, missing.value.detail) == (
        404,
        "No Project matches the given query.",
    )


def test_updates_are_merged_unless_told_otherwise(run: RunClient) -> None:
    run.update(tags=["a"], outputs={"loss": 0.5}, meta_info={"progress": 0.5})

    merged = run.update(tags=["b"], outputs={"accuracy": 0.9}, name="n", description="d")

    assert set(merged.tags or ()) == {"a", "b"}
    assert merged.outputs == {"loss": 0.5, "accuracy": 0.9}
    assert (merged.name, merged.description, (merged.meta_info or {})["progress"]) == (
        "n",
        "d",
        0.5,
    )
    assert run.update(merge=False, tags=["c"]).tags == ("c",)


def test_numbers_that_json_cannot_say_arrive_as_null(run: RunClient) -> None:
    run.update(outputs={"nan": math.nan, "inf": -math.inf, "deep": [math.inf, 1.0]})

    assert run.get().outputs == {"nan": None, "inf": None, "deep": [None, 1.0]}


def test_a_body_of_megabytes_arrives_whole(run: RunClient) -> None:
    readme = "é" * 2_000_000

    run.update(readme=readme)

    assert run.get().readme == readme


def test_statuses_become_the_history_of_the_run(run: RunClient) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

    run.log_status("running", "Test", "goes on", last_update_time=moment)
    run.log_status("succeeded", "Test", "done")

    history = run.get_statuses()
    assert history.status == "succeeded"
    assert [(c.type, c.status, c.reason, c.message) for c in history.status_conditions] == [
        ("running", True, "Test", "goes on"),
        ("succeeded", True, "Test", "done"),
    ]
    assert history.status_conditions[0].last_transition_time == moment


def test_only_force_leaves_a_final_status(run: RunClient) -> None:
    run.log_status("failed")

    run.log_status("running")
    ignored = run.get_statuses().status
    run.log_status("running", force=True)

    assert (ignored, run.get_statuses().status) == ("failed", "running")


def test_a_lineage_of_several_pages_is_read_whole_and_updated_by_name(run: RunClient) -> None:
    entries = [Lineage(name=f"m{n}", kind="metric", path=f"m{n}.plx") for n in range(120)]
    run.log_lineage(entries)

    run.log_lineage([{"name": "m7", "kind": "file", "path": "other"}])

    found = {entry.name: entry for entry in run.get_lineage()}
    assert set(found) == {entry.name for entry in entries}
    assert found["m7"] == Lineage(name="m7", kind="file", path="other")
    assert found["m8"] == entries[8]


def test_an_input_without_path_and_summary_can_be_told(run: RunClient) -> None:
    run.log_lineage([{"name": "data", "kind": "data", "is_input": True}])

    assert run.get_lineage() == (Lineage(name="data", kind="data", is_input=True),)


def test_runs_are_listed_by_page_sort_and_query(polyaxon_server: PolyaxonServer) -> None:
    with client_of(polyaxon_server.url) as client:
        project = f"p-{uuid.uuid4().hex}"
        ProjectClient("acme", project, client).create()
        for number in range(3):
            run = RunClient("acme", project, uuid.uuid4().hex, client)
            run.sync(run_document(str(run.run_uuid), name=f"r{number}"))
        run.log_status("running")
        runs = RunClient("acme", project, client=client)

        first = runs.list(limit=2, sort="name")
        rest = runs.list(limit=2, offset=2, sort="name")

        assert [[r.name for r in page.results] for page in (first, rest)] == [["r0", "r1"], ["r2"]]
        assert first.count == 3
        assert [r.name for r in runs.list(query="status:running").results] == ["r2"]
        with pytest.raises(ServerError, match="key `bogus` is not supported"):
            runs.list(query="bogus:1")


def test_an_internal_failure_behind_a_405_is_told_as_one(run: RunClient) -> None:
    # A status of no known type makes the real server fail inside; `log_status` sends none.
    with pytest.raises(ServerError, match="failed inside") as failed:
        run.client.request(
            "POST",
            f"/api/v1/{run.owner}/{run.project}/runs/{run.run_uuid}/statuses",
            body={"condition": {"type": "bogus", "status": True}},
        )

    assert (failed.value.status, failed.value.is_disguised) == (405, True)
    assert is_retryable(failed.value)


def test_a_method_that_is_really_not_allowed_is_not_retryable(run: RunClient) -> None:
    with pytest.raises(ServerError) as refused:
        run.client.request("DELETE", f"/api/v1/acme/digits/runs/{run.run_uuid}/statuses")

    assert (refused.value.status, refused.value.is_disguised) == (405, False)
    assert not is_retryable(refused.value)
