"""Which server, with whose token."""

from __future__ import annotations

import pytest

from axonlog.client import PolyaxonClient
from axonlog.context import ClientConfig, Connection, resolve_connection
from axonlog.errors import AuthenticationError, ContextError

ELSEWHERE = ClientConfig(host="https://someone-else")


def token_of(context):
    token = context.connection.token
    return token and token.get_secret_value()


def test_the_mounted_token_of_a_run_beats_the_variable(world):
    world.env.update(POLYAXON_AUTH_TOKEN="env-tok", POLYAXON_CONTEXT_ROOT=str(world.root))
    (world.root / ".configs").mkdir()
    (world.root / ".configs" / ".auth").write_text('{"POLYAXON_AUTH_TOKEN": "mount-tok"}')
    context = world.resolve(project="a/b")
    assert (token_of(context), context.token.source) == ("mount-tok", "in-cluster")
    assert context.token.shadowed[0].value.get_secret_value() == "env-tok"


def test_a_token_in_the_client_settings_beats_every_login(world):
    world.env["POLYAXON_AUTH_TOKEN"] = "env-tok"
    world.globally(".client", {"token": "client-tok"})
    assert token_of(world.resolve(project="a/b")) == "client-tok"


def test_a_cached_token_does_not_follow_a_client_to_another_host(world):
    world.globally(".client", {"host": "https://mine"})
    world.globally(".auth", {"token": "home-tok"})
    context = world.resolve(project="a/b", client=PolyaxonClient(config=ELSEWHERE))
    assert token_of(context) is None
    assert any("https://mine" in warning for warning in context.warnings)


def test_a_cached_token_goes_to_its_own_host_however_it_is_spelled(world):
    world.globally(".client", {"host": "https://mine"})
    world.globally(".auth", {"token": "home-tok"})
    config = ClientConfig(host="https://MINE:443/")
    context = world.resolve(project="a/b", client=PolyaxonClient(config=config))
    assert (token_of(context), context.warnings) == ("home-tok", ())


def test_the_environment_may_send_a_cached_token_elsewhere_but_not_in_silence(world):
    world.env["POLYAXON_HOST"] = "http://someone-else"
    world.globally(".client", {"host": "https://mine"})
    world.globally(".auth", {"token": "home-tok"})
    context = world.resolve(project="a/b")
    assert token_of(context) == "home-tok"
    assert "token" in context.warnings[0]
    assert "home-tok" not in context.warnings[0]


def test_a_cached_token_of_an_unknown_host_is_sent_with_a_warning(world):
    world.globally(".auth", {"token": "home-tok"})
    context = world.resolve(project="a/b", client=PolyaxonClient(config=ELSEWHERE))
    assert token_of(context) == "home-tok"
    assert "https://someone-else" in context.warnings[0]


def test_a_cached_token_that_the_environments_host_was_used_with_stays_there(world):
    world.env["POLYAXON_HOST"] = "https://mine"
    world.globally(".auth", {"token": "home-tok"})
    context = world.resolve(project="a/b", client=PolyaxonClient(config=ELSEWHERE))
    assert token_of(context) is None


def test_no_auth_means_no_token_whatever_is_cached(world):
    world.globally(".auth", {"token": "home-tok"})
    context = world.resolve(project="a/b", client=PolyaxonClient(token="no-auth"))
    assert (context.token.value, context.token.source) == (None, "client")


def test_lower_case_variables_are_not_settings(world):
    world.env.update(token="ci", host="http://ci", debug="release", is_offline="true", path="/x")
    context = world.resolve(project="a/b")
    assert (context.host.source, context.token.value, context.is_offline.value) == (
        "default",
        None,
        False,
    )


def test_files_of_another_user_in_the_shared_directory_are_refused(world, monkeypatch):
    path = world.put(world.shared, ".client", {"host": "http://evil"})
    monkeypatch.setattr(
        "axonlog.context._places.belongs_to_another_user", lambda asked: asked == path
    )
    context = world.resolve(project="a/b")
    assert context.host.source == "default"
    assert str(path) in context.warnings[0]


def test_an_empty_host_in_a_cluster_is_told(world):
    world.env.update(POLYAXON_HOST="", POLYAXON_K8S_IN_CLUSTER="true")
    with pytest.raises(ContextError, match="no host: POLYAXON_HOST is empty"):
        world.resolve(project="a/b")


def test_switching_verification_off_is_told(world):
    world.env.update(POLYAXON_HOST="https://h", POLYAXON_VERIFY_SSL="false")
    context = world.resolve(project="a/b")
    assert context.connection.verify_ssl is False
    assert "POLYAXON_VERIFY_SSL" in context.warnings[0]


def test_no_config_switches_the_clients_settings_off_but_no_promise(world):
    world.env.update(POLYAXON_NO_CONFIG="1", POLYAXON_HOST="http://h", POLYAXON_IS_OFFLINE="true")
    world.globally(".client", "{broken")
    world.globally(".auth", {"token": "t"})
    context = world.resolve(project="a/b")
    assert (context.host.source, context.token.value) == ("default", None)
    assert context.is_offline.value is True


def test_a_connection_holds_every_setting_of_the_transport(world):
    world.env.update(
        POLYAXON_HOST="https://h/",
        POLYAXON_AUTH_TOKEN="t",
        POLYAXON_AUTHENTICATION_TYPE="Bearer",
        POLYAXON_TIMEOUT="0",
        POLYAXON_SSL_CA_CERT="/ca.pem",
        POLYAXON_CERT_FILE="/c.pem",
        POLYAXON_KEY_FILE="/k.pem",
        POLYAXON_ASSERT_HOSTNAME="no",
        POLYAXON_CONNECTION_POOL_MAXSIZE="4",
        POLYAXON_RETRIES="9",
        POLYAXON_HEADER="X-POLYAXON-SERVICE",
        POLYAXON_HEADER_SERVICE="runner",
    )
    assert world.resolve(project="a/b").connection == Connection(
        host="https://h",
        token="t",
        authentication_type="Bearer",
        timeout_s=None,
        verify_ssl=True,
        ssl_ca_cert="/ca.pem",
        cert_file="/c.pem",
        key_file="/k.pem",
        assert_hostname=False,
        pool_maxsize=4,
        retries=9,
        header="X-POLYAXON-SERVICE",
        header_service="runner",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POLYAXON_TIMEOUT", "soon"),
        ("POLYAXON_CONNECTION_POOL_MAXSIZE", "many"),
        ("POLYAXON_DEBUG", "INFO"),
        ("POLYAXON_VERIFY_SSL", "maybe"),
        ("POLYAXON_IS_MANAGED", "2"),
        ("POLYAXON_COLLECT_ARTIFACTS", "maybe"),
        ("POLYAXON_HAS_PROCESS_SIDECAR", "maybe"),
        ("POLYAXON_NO_OP", "maybe"),
        ("POLYAXON_NO_CONFIG", "maybe"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named_with_its_value(world, name, text):
    world.env[name] = text
    with pytest.raises(ContextError, match=name) as caught:
        world.resolve(project="a/b")
    assert repr(text) in str(caught.value)


def test_polyaxon_cloud_needs_a_token_before_any_request(world):
    world.env["POLYAXON_HOST"] = "https://cloud.polyaxon.com"
    with pytest.raises(AuthenticationError, match="POLYAXON_AUTH_TOKEN"):
        world.resolve(project="acme/mnist")
    world.env["POLYAXON_AUTH_TOKEN"] = "t"
    assert world.resolve(project="acme/mnist").owner.value == "acme"


@pytest.mark.parametrize(
    ("token", "user", "project", "raises"),
    [
        (None, None, "mnist", True),
        (None, None, "acme/mnist", True),
        ("t", None, "mnist", True),
        ("t", None, "acme/mnist", False),
        ("t", {"organization": "jane-org"}, "mnist", False),
        (None, {"organization": "jane-org"}, "mnist", False),
    ],
)
def test_an_installation_with_users_needs_one(world, token, user, project, raises):
    world.globally(".cli", {"installation": {"dist": "ee"}})
    if token:
        world.env["POLYAXON_AUTH_TOKEN"] = token
    if user:
        world.globally(".user", user)
    if raises:
        with pytest.raises(AuthenticationError):
            world.resolve(project=project)
        assert world.resolve(project=project, is_offline=True).is_offline.value
    else:
        assert world.resolve(project=project).owner.value in ("acme", "jane-org")


def test_the_recorded_installation_says_nothing_of_another_host(world):
    world.globally(".cli", {"installation": {"dist": "ee"}})
    world.globally(".client", {"host": "https://mine"})
    context = world.resolve(project="acme/mnist", client=PolyaxonClient(config=ELSEWHERE))
    assert context.host.value == "https://someone-else"


def test_a_client_built_by_hand_talks_to_what_it_was_given(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("POLYAXON_HOST", "http://from-env")
    connection = resolve_connection(ClientConfig(timeout=3), "arg-tok")
    assert (connection.host, connection.timeout_s) == ("http://from-env", 3.0)
    assert connection.token.get_secret_value() == "arg-tok"


def test_a_client_of_a_connection_stays_with_it(world):
    world.env.update(POLYAXON_HOST="http://from-env", POLYAXON_AUTH_TOKEN="env-tok")
    connection = Connection(host="http://exactly-here", timeout_s=None)
    context = world.resolve(project="a/b", client=PolyaxonClient.from_connection(connection))
    assert context.connection == connection


@pytest.mark.parametrize("client", ["http://h", object(), 5])
def test_what_is_no_client_is_refused(world, client):
    with pytest.raises(TypeError, match="client="):
        world.resolve(project="a/b", client=client)
