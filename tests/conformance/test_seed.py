"""The examples of the original's guide on instantiating tracking, with the import line changed."""

import json
import uuid
from pathlib import Path

import pytest

from axonlog import tracking
from axonlog.client import ClientConfig, PolyaxonClient, RunClient
from axonlog.errors import AuthenticationError, ContextError
from support.clients import client_of, registered_run
from support.fault_server import FaultServer

API_TOKEN = "an-api-token"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The command line of an organization's member, authenticated, in a project."""
    home = tmp_path / "home"
    (home / ".polyaxon").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


def cache(home, **files):
    for name, content in files.items():
        (home / ".polyaxon" / f".{name}").write_text(json.dumps(content))


def authenticated(home, host, **more):
    cache(
        home,
        client={"POLYAXON_HOST": host},
        auth={"POLYAXON_AUTH_USERNAME": "ada", "POLYAXON_AUTH_TOKEN": API_TOKEN},
        user={"username": "ada", "organization": "org-name"},
        project={"owner": "org-name", "name": "cached-project"},
        **more,
    )


def finish():
    run = tracking.TRACKING_RUN
    tracking.log_metrics(loss=0.5, step=1)
    tracking.end()
    context = run.context
    return run, (context.owner.value, context.project.value), context.is_new.value


def is_on_server(url, run):
    server = RunClient(run.owner, run.project, run.run_uuid, client_of(url))
    (series,) = server.get_events("metric", ["loss"])
    return series.data["metric"] == [0.5]


def test_in_cluster(polyaxon_server, tmp_path, monkeypatch):
    known = registered_run(polyaxon_server.url)
    configs = tmp_path / "plx-context" / ".configs"
    configs.mkdir(parents=True)
    (configs / ".auth").write_text(json.dumps({"POLYAXON_AUTH_TOKEN": "scoped"}))
    monkeypatch.setenv("POLYAXON_CONTEXT_ROOT", str(tmp_path / "plx-context"))
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    monkeypatch.setenv("POLYAXON_IS_MANAGED", "true")
    instance = f"{known.owner}.{known.project}.runs.{known.run_uuid}"
    monkeypatch.setenv("POLYAXON_RUN_INSTANCE", instance)

    tracking.init()

    run, place, is_new = finish()
    assert (run.run_uuid, place, is_new) == (known.run_uuid, ("acme", "digits"), False)
    assert run.context.token.value.get_secret_value() == "scoped"
    # A container of the pod uploads the files: they wait for it in the mounted directory.
    mounted = tmp_path / "plx-context" / "artifacts" / known.run_uuid
    assert (mounted / "events" / "metric" / "loss.plx").is_file()
    assert known.get().outputs == {"loss": 0.5}


def test_an_authenticated_command_line_with_a_cached_run_resumes_it(polyaxon_server, home):
    known = registered_run(polyaxon_server.url)
    authenticated(home, polyaxon_server.url)
    cache(home, project={"owner": known.owner, "name": known.project})
    cache(home, run={"uuid": known.run_uuid, "owner": known.owner, "project": known.project})

    tracking.init()

    run, _, is_new = finish()
    assert (run.run_uuid, is_new) == (known.run_uuid, False)
    assert is_on_server(polyaxon_server.url, run)


def test_a_new_one_is_created_without_a_cached_run(polyaxon_server, home):
    authenticated(home, polyaxon_server.url)

    tracking.init()

    run, place, is_new = finish()
    assert (place, is_new) == (("org-name", "cached-project"), True)
    assert is_on_server(polyaxon_server.url, run)


def test_is_new_forces_a_new_run(polyaxon_server, home):
    cached = uuid.uuid4().hex
    authenticated(home, polyaxon_server.url, run={"uuid": cached})

    tracking.init(is_new=True)

    run, _, is_new = finish()
    assert run.run_uuid != cached
    assert is_new
    assert is_on_server(polyaxon_server.url, run)


def test_environment_variables(polyaxon_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", API_TOKEN)
    local = Path.cwd() / ".polyaxon"
    local.mkdir()
    (local / ".project").write_text(json.dumps({"owner": "org-name", "name": "p"}))

    tracking.init()

    run, place, _ = finish()
    assert place == ("org-name", "p")
    assert run.context.host.source == "environment"
    assert run.context.token.value.get_secret_value() == API_TOKEN
    assert is_on_server(polyaxon_server.url, run)


def test_a_configured_client(polyaxon_server, home):
    authenticated(home, "http://another-host")
    client = PolyaxonClient(
        token=API_TOKEN,
        config=ClientConfig(host=polyaxon_server.url, use_https=None, verify_ssl=None),
    )
    run_client = RunClient(client=client)
    tracking.init(client=run_client)

    run, place, _ = finish()
    assert run.context.host.value == polyaxon_server.url
    assert run.context.token.value.get_secret_value() == API_TOKEN
    assert place == ("org-name", "cached-project")
    assert is_on_server(polyaxon_server.url, run)


@pytest.mark.parametrize(
    "arguments",
    [
        {"project": "project-name"},
        {"project": "org-name/project-name"},
        {"owner": "org-name", "project": "project-name"},
    ],
)
def test_changing_the_project_keeps_the_organization(polyaxon_server, home, arguments):
    authenticated(home, polyaxon_server.url)

    tracking.init(**arguments)

    run, place, is_new = finish()
    assert (place, is_new) == (("org-name", "project-name"), True)
    assert is_on_server(polyaxon_server.url, run)


def test_changing_the_run_keeps_the_project(polyaxon_server, home):
    known = registered_run(polyaxon_server.url)
    authenticated(home, polyaxon_server.url)
    cache(home, project={"owner": known.owner, "name": known.project})

    tracking.init(run_uuid=known.run_uuid)

    run, place, is_new = finish()
    assert (run.run_uuid, place, is_new) == (known.run_uuid, ("acme", "digits"), False)
    assert is_on_server(polyaxon_server.url, run)


def test_no_context_at_all_lists_every_place_and_what_to_do(home):
    with pytest.raises(ContextError) as caught:
        tracking.init()
    told = str(caught.value)
    places = ["project=", "config", "POLYAXON_RUN_INSTANCE", ".polyaxon/.project"]
    assert [place for place in places if place not in told] == []
    assert str(home) in told
    assert str(Path.cwd()) in told
    assert list(Path.cwd().glob("axonlog_data")) == []


def test_no_authenticated_user_on_an_installation_with_users_is_an_error_before_any_request(home):
    with FaultServer() as server:
        cache(home, client={"POLYAXON_HOST": server.url}, cli={"installation": {"dist": "ee"}})
        with pytest.raises(AuthenticationError, match="POLYAXON_AUTH_TOKEN"):
            tracking.init(project="org-name/project-name")
        assert server.requests == ()
