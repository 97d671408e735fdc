import copy
import logging
import pickle
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

import axonlog
from axonlog.errors import ContextError
from axonlog.tracking._lazy import LazyRun
from support.kept import curve, only_run, record_of, run_directories


def lazy(kind="Logger", **arguments):
    return LazyRun(kind, {"project": "digits", "is_offline": True, **arguments})


def test_asking_where_a_run_belongs_starts_nothing(work):
    run = lazy(project="acme/digits")
    assert run.context.owner.value == "acme"
    assert run.context.project.value == "digits"
    assert run.run is None
    assert list(work.iterdir()) == []


def test_the_uuid_is_the_same_before_and_after_the_start(work):
    run = lazy()
    uuids = [run.context.run_uuid.value, run.context.run_uuid.value]
    uuids.append(run.start().run_uuid)
    uuids.append(run.context.run_uuid.value)
    assert len(set(uuids)) == 1
    assert only_run(work).name == uuids[0]


def test_two_integrations_share_one_run(work):
    logger, callback = lazy("Logger"), lazy("Callback")
    assert logger.start() is callback.start()
    assert callback.context.run_uuid == logger.context.run_uuid


def test_two_instances_of_one_integration_are_two_runs(work):
    runs = {lazy().start().run_uuid for _ in range(5)}
    assert len(runs) == 5
    assert {path.name for path in run_directories(work)} == runs


def test_two_instances_of_one_integration_join_a_run_that_neither_started(work):
    run = axonlog.init(project="digits", is_offline=True)
    assert lazy().start() is run
    assert lazy().start() is run


def test_a_run_that_is_there_is_joined_without_saying_where(work):
    run = axonlog.init(project="digits", is_offline=True)
    assert LazyRun("Logger", {}).start() is run


def test_a_run_that_has_ended_is_not_joined(work):
    ended = axonlog.init(project="digits", is_offline=True)
    ended.end()
    assert lazy().start() is not ended


@pytest.mark.parametrize(
    "asked",
    [
        {"project": "letters"},
        {"project": "acme/digits"},
        {"run_uuid": "0" * 31 + "1"},
        {"is_new": True},
        {"config": {"project": "letters"}},
    ],
)
def test_who_asks_for_another_run_gets_it(work, asked):
    run = axonlog.init(project="digits", is_offline=True)
    own = LazyRun("Logger", {"is_offline": True, "project": "digits", **asked})
    if "config" in asked:
        own = LazyRun("Logger", {"is_offline": True, **asked})
    assert own.start() is not run
    assert own.context.run_uuid.value == asked.get("run_uuid", own.start().run_uuid)


def test_who_asks_for_the_same_run_joins_it(work):
    run = axonlog.init(project="acme/digits", is_offline=True)
    assert LazyRun("Logger", {"run_uuid": run.run_uuid}).start() is run
    assert LazyRun("Logger", {"owner": "acme", "project": "digits"}).start() is run


def test_a_place_that_cannot_be_is_refused_even_where_a_run_could_be_joined(work):
    axonlog.init(project="digits", is_offline=True)
    with pytest.raises(ContextError):
        LazyRun("Logger", {"project": "a/b/c/d"}).start()


def test_what_a_joined_run_cannot_take_over_is_said(work, caplog):
    run = axonlog.init(project="digits", name="first", is_offline=True)
    with caplog.at_level(logging.WARNING, logger="axonlog"):
        lazy("Logger", name="second", tags=["late"]).start()
    (message,) = caplog.messages
    assert f"Logger joins run {run.run_uuid}" in message
    assert message.endswith("without effect here: name=, tags=")


def test_a_copy_is_the_same_run(work):
    original = lazy()
    assert copy.deepcopy(original).start() is original.start()


def test_a_pickled_copy_finds_the_run_that_its_original_started(work):
    original = lazy()
    unpickled = pickle.loads(pickle.dumps(original))
    assert unpickled.start() is original.start()
    assert pickle.loads(pickle.dumps(original)).start() is original.start()


def test_a_pickled_copy_holds_no_token_and_finds_it_again(work, monkeypatch):
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "s3cr3t-t0ken")
    original = LazyRun("Logger", {"project": "acme/digits"})
    pickled = pickle.dumps(original)
    assert b"s3cr3t-t0ken" not in pickled
    assert pickle.loads(pickled).context == original.context


def test_a_run_that_was_ended_goes_on_under_its_uuid(work):
    run = lazy()
    first = run.start()
    first.log_metrics({"loss": 0.5}, step=1)
    first.end()
    second = run.start()
    second.log_metrics({"loss": 0.25}, step=2)
    assert second.run_uuid == first.run_uuid
    assert len(curve(only_run(work), "loss")) == 2


def test_nested_inputs_become_one_input_per_leaf(work):
    run = lazy()
    run.log_inputs({"seed": 0, "optimizer": {"name": "adam", "schedule": {"gamma": 0.5}}, "no": {}})
    assert record_of(only_run(work)).inputs == {
        "seed": 0,
        "optimizer__name": "adam",
        "optimizer__schedule__gamma": 0.5,
        "no": {},
    }


def test_inputs_that_hold_themselves_end_somewhere(work):
    inputs = {"seed": 0}
    inputs["again"] = inputs
    run = lazy()
    run.log_inputs(inputs)
    assert record_of(only_run(work)).inputs["seed"] == 0


def test_nothing_of_an_input_is_called(work):
    class Loud:
        def __call__(self):
            raise AssertionError("called")

    run = lazy()
    run.log_inputs({"activation": Loud(), "loss": Loud})
    assert set(record_of(only_run(work)).inputs) == {"activation", "loss"}


def test_an_ending_without_a_run_makes_none(work):
    run = lazy()
    run.settle()
    run.settle(ValueError("boom"))
    run.stop("SIGTERM", "stopped by SIGTERM")
    assert list(work.iterdir()) == []


@dataclass
class AsDataclass:
    project: str = "digits"
    tags: tuple[str, ...] = ("config",)


class AsModel(BaseModel):
    project: str = "digits"
    tags: list[str] = ["config"]


def as_yaml(work):
    path = work / "config.yaml"
    path.write_text("trainer: {max_epochs: 3}\ntracking: {project: digits, tags: [config]}\n")
    return path


def as_node(work):
    from omegaconf import OmegaConf

    return OmegaConf.create({"axonlog": {"project": "digits", "tags": ["config"]}})


@pytest.mark.parametrize(
    "config",
    [
        lambda work: {"project": "digits", "tags": ["config"], "lr": 0.1},
        lambda work: {"polyaxon": {"project": "digits", "tags": ["config"]}},
        lambda work: AsDataclass(),
        lambda work: AsModel(),
        as_yaml,
        as_node,
    ],
    ids=["mapping", "section", "dataclass", "pydantic", "yaml", "omegaconf"],
)
def test_the_trainers_config_says_what_no_argument_says(work, config):
    run = LazyRun(
        "Logger", {"is_offline": True, "name": "mine", "tags": None, "config": config(work)}
    )
    context = run.start().context
    assert (context.project.value, context.project.source) == ("digits", "trainer config")
    assert (context.tags.value, context.tags.source) == (("config",), "trainer config")
    assert (context.name.value, context.name.source) == ("mine", "argument")


def test_an_argument_wins_over_the_trainers_config(work):
    run = LazyRun(
        "Logger",
        {"is_offline": True, "project": "letters", "config": {"project": "digits", "tags": ["t"]}},
    )
    assert run.context.project.value == "letters"
    assert run.context.tags.value == ("t",)
