"""The settings a user gives a client."""

import copy
import pickle

import pytest

from axonlog.context import ClientConfig
from axonlog.context._options import client_config
from axonlog.errors import ArgumentTypeError, ContextError


def test_what_is_left_out_says_nothing():
    assert set(ClientConfig().model_dump().values()) == {None}


def test_the_names_of_the_variables_are_accepted_and_unknown_ones_ignored():
    config = ClientConfig(POLYAXON_HOST="http://h/", use_https=None, nonsense=1)
    assert config == ClientConfig(host="http://h")


def test_the_cloud_has_a_word_of_its_own():
    assert ClientConfig(use_cloud_host=True).host == "https://cloud.polyaxon.com"


@pytest.mark.parametrize("key", ["host", "POLYAXON_HOST"])
def test_the_cloud_and_another_host_are_one_too_many(key):
    with pytest.raises(ContextError, match=f"{key}.*'http://h'.*use_cloud_host=True"):
        ClientConfig(use_cloud_host=True, **{key: "http://h"})


def test_the_cloud_by_both_of_its_names_is_the_cloud():
    config = ClientConfig(use_cloud_host=True, host="https://cloud.polyaxon.com/")
    assert config.host == "https://cloud.polyaxon.com"


@pytest.mark.parametrize("no", [False, None, "false", "0", ""])
def test_the_word_for_the_cloud_may_say_no(no):
    assert ClientConfig(use_cloud_host=no, host="http://h").host == "http://h"


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", "soon"), ("host", "localhost:8000"), ("verify_ssl", "maybe"), ("host", 5)],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(ContextError, match=name):
        ClientConfig(**{name: value})


def test_a_token_is_never_shown():
    config = ClientConfig(token="hunter2")
    assert "hunter2" not in repr(config) + str(config) + config.model_dump_json()
    with pytest.raises(ContextError) as caught:
        ClientConfig(token=20202)
    assert "20202" not in repr(caught.value)


def test_it_travels_to_another_process():
    config = ClientConfig(host="http://h", token="t", timeout=3)
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config


class TheirConfig:
    """The configuration of another library's client, with its defaults."""

    host = "http://theirs"
    token = "their-tok"
    timeout = 60.0
    is_offline = False


def test_the_config_of_another_library_is_read_by_its_attributes():
    config = client_config(TheirConfig())
    assert (config.host, config.is_offline) == ("http://theirs", None)
    assert config.token.get_secret_value() == "their-tok"


def test_a_mapping_will_do():
    assert client_config({"host": "http://h"}) == ClientConfig(host="http://h")


def test_anything_else_will_not():
    with pytest.raises(ArgumentTypeError, match="config="):
        client_config(5)
