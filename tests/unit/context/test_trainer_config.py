"""The trainer's configuration, in every form."""

from __future__ import annotations

import argparse
import builtins
import dataclasses
import json
from types import SimpleNamespace

import jsonargparse
import omegaconf
import pydantic
import pytest

from axonlog.context import resolve
from axonlog.context._trainer_config import read_trainer_config
from axonlog.errors import ArgumentTypeError, ContextError

WANTED = {"project": "acme/mnist", "tags": ["a", "b"], "lr": 0.1}


@dataclasses.dataclass
class Settings:
    project: str = "acme/mnist"
    tags: list[str] = dataclasses.field(default_factory=lambda: ["a", "b"])
    lr: float = 0.1


class Model(pydantic.BaseModel):
    project: str = "acme/mnist"
    tags: list[str] = ["a", "b"]
    lr: float = 0.1


FORMS = {
    "mapping": WANTED,
    "dataclass": Settings(),
    "pydantic": Model(),
    "omegaconf": omegaconf.OmegaConf.create(WANTED),
    "omegaconf structured": omegaconf.OmegaConf.structured(Settings),
    "argparse": argparse.Namespace(**WANTED),
    "jsonargparse": jsonargparse.Namespace(**WANTED),
    "simple namespace": SimpleNamespace(**WANTED),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("section", [None, "tracking", "axonlog", "polyaxon"])
def test_every_form_says_the_same_at_the_top_and_in_a_section(world, form, section):
    if section:
        form = {section: {"project": "acme/mnist", "tags": ["a", "b"]}, "lr": 0.1}
    context = world.resolve(config=form)
    assert context.tags.value == ("a", "b")
    assert (context.project.value, context.project.source) == ("mnist", "trainer config")


@pytest.mark.parametrize("name", ["config.yaml", "config.json"])
def test_a_file_is_named_as_the_path_of_what_it_says(world, name):
    path = world.cwd / name
    path.write_text(json.dumps({"trainer": {"max_epochs": 3}, "tracking": WANTED | {"lr": None}}))
    with pytest.raises(ContextError, match="'lr'"):
        world.resolve(config=name)
    path.write_text(json.dumps({"trainer": {"max_epochs": 3}, "tracking": {"project": "a/b"}}))
    for given in (name, path, str(path)):
        assert world.resolve(config=given).project.path == str(path)


def test_a_section_wins_over_the_top_and_the_own_section_over_the_others(world):
    config = {
        "project": "top",
        "name": "top",
        "tracking": {"project": "tracking", "name": "tracking"},
        "axonlog": {"project": "axonlog"},
    }
    context = world.resolve(config=config)
    assert (context.project.value, context.name.value) == ("axonlog", "tracking")


def test_a_call_beats_the_config_field_by_field(world):
    config = {"owner": "acme", "project": "mnist", "name": "config", "track_code": False}
    context = world.resolve(name="call", config=config)
    assert (context.owner.value, context.name.value) == ("acme", "call")
    assert [(s.value, s.source) for s in context.name.shadowed] == [("config", "trainer config")]
    assert context.track_code.value is False


@pytest.mark.parametrize("field", ["strict", "log_context"])
def test_a_section_may_say_how_the_run_behaves_and_the_call_wins(field):
    def told(said, **arguments):
        config = {"tracking": {} if said is None else {field: said}}
        context = resolve(project="a/b", is_offline=True, config=config, **arguments)
        setting = getattr(context, field)
        return setting.value, setting.source

    assert told(None) == (False, "default")
    assert told(True) == told("yes") == (True, "trainer config")
    assert told("yes", **{field: False}) == (False, "argument")
    assert told(False) == (False, "trainer config")
    assert told(False, **{field: True}) == (True, "argument")
    with pytest.raises(ContextError, match=field):
        told("perhaps")


def test_log_context_in_a_section_warns_of_an_invented_owner(world):
    config = {"tracking": {"log_context": True}}
    assert len(world.resolve(project="mnist", is_offline=True, config=config).warnings) == 1


def test_an_unknown_key_in_a_section_names_the_nearest_known_one(world):
    with pytest.raises(ContextError, match="did you mean 'project'"):
        world.resolve(config={"tracking": {"projct": "a/b"}})


def test_a_token_in_a_section_is_refused_without_quoting_it(world):
    with pytest.raises(ContextError, match="POLYAXON_AUTH_TOKEN") as caught:
        world.resolve(config={"tracking": {"token": "hunter2"}})
    assert "hunter2" not in str(caught.value)


def test_other_keys_at_the_top_are_the_users_own(world):
    config = {
        "project": {"dir": "/x"},
        "tags": {"k": "v"},
        "name": None,
        "host": "0.0.0.0",
        "token": "theirs",
        "tracking": True,
        "timeout": 5,
    }
    context = world.resolve(project="a/b", config=config)
    assert (context.tags.value, context.name.value, context.host.source) == ((), None, "default")


def test_a_number_where_a_name_belongs_is_refused(world):
    with pytest.raises(ArgumentTypeError, match="project"):
        world.resolve(config={"project": 5})


def test_a_config_of_another_kind_is_refused(world):
    with pytest.raises(ArgumentTypeError, match="config="):
        world.resolve(project="a/b", config=5)


@pytest.mark.parametrize(
    ("name", "text"), [("c.yaml", "a: [b"), ("c.yaml", "- a"), ("c.json", "{bad"), ("c.yaml", None)]
)
def test_a_file_that_cannot_be_used_is_named(world, name, text):
    if text is not None:
        (world.cwd / name).write_text(text)
    with pytest.raises(ContextError, match=name):
        world.resolve(project="a/b", config=name)


def test_an_empty_file_says_nothing(world):
    (world.cwd / "c.yaml").write_text("")
    assert read_trainer_config("c.yaml", world.environment).values == {}


def test_without_pyyaml_a_yaml_file_tells_what_to_install_and_json_is_read(world, monkeypatch):
    real = builtins.__import__

    def without_yaml(name, *args, **kwargs):
        if name == "yaml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in ("c.yaml", "c.json"):
        (world.cwd / name).write_text('{"project": "a/b"}')
    monkeypatch.setattr(builtins, "__import__", without_yaml)
    assert world.resolve(config="c.json").project.value == "b"
    with pytest.raises(ContextError, match="pip install PyYAML"):
        world.resolve(config="c.yaml")


def test_interpolations_of_other_keys_are_left_alone(world):
    node = omegaconf.OmegaConf.create(
        {"org": "acme", "broken": "${nowhere}", "missing": "???", "project": "${org}/mnist"}
    )
    assert world.resolve(config=node).owner.value == "acme"
