import copy
import logging
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from pydantic import BaseModel

import axonlog
from axonlog.errors import ContextError
from axonlog.integration import LazyRun
from support.kept import curve, curves, only_run, record_of, run_directories


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


def test_inputs_that_hold_themselves_end_where_they_begin_again(work):
    inputs = {"seed": 0}
    inputs.update(left=inputs, middle={"again": inputs}, right=inputs)
    lazy().log_inputs(inputs)
    assert record_of(only_run(work)).inputs == {
        "seed": 0,
        "left": "<cycle>",
        "middle__again": "<cycle>",
        "right": "<cycle>",
    }


def test_an_input_that_two_mappings_share_is_in_both(work):
    shared = {"gamma": 0.5}
    lazy().log_inputs({"first": shared, "second": shared})
    assert record_of(only_run(work)).inputs == {"first__gamma": 0.5, "second__gamma": 0.5}


def test_inputs_without_a_name_are_left_out_and_keys_become_text(work, caplog):
    run = lazy()
    run.log_inputs({"": 1, " ": 2, 3: 1, None: 2, "x": {4: 5}})
    run.log_inputs({"": 1})
    assert record_of(only_run(work)).inputs == {"3": 1, "None": 2, "x__4": 5}
    assert caplog.messages == [
        "Logger: input '' is not recorded: a name must hold at least one character, not ''",
        "Logger: input ' ' is not recorded: a name must hold at least one character, not ' '",
    ]


@pytest.mark.parametrize(
    "value",
    ["high", None, {"a": 1}, object(), [1, "b"], np.ones((2, 2)), np.ones(17), np.ones(0)],
    ids=["text", "none", "mapping", "object", "mixed", "matrix", "long vector", "empty vector"],
)
def test_a_metric_that_is_no_number_is_told_once_and_the_others_are_kept(work, caplog, value):
    run = lazy()
    for step in range(3):
        run.log_metrics({"odd": value, "loss": 0.5}, step)
    assert curve(only_run(work), "loss") == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert curves(only_run(work)) == {"loss"}
    (message,) = caplog.messages
    assert message.startswith("Logger: metric 'odd' is not recorded: a metric ")


def test_each_metric_that_is_no_number_is_told(work, caplog):
    run = lazy()
    run.log_metrics({"a": "x", "b": "y"}, 0)
    run.log_metrics({"b": "y", "": 1.0}, 1)
    assert [message.split(" is not ")[0] for message in caplog.messages] == [
        "Logger: metric 'a'",
        "Logger: metric 'b'",
        "Logger: metric ''",
    ]


@pytest.mark.parametrize("wrap", [list, tuple, np.array])
def test_a_short_vector_becomes_a_metric_per_number(work, caplog, wrap):
    lazy().log_metrics({"f1": wrap([0.25, 0.75]), "loss": 0.5}, 3)
    directory = only_run(work)
    assert curve(directory, "f1__0") == [(3, 0.25)]
    assert curve(directory, "f1__1") == [(3, 0.75)]
    assert curve(directory, "loss") == [(3, 0.5)]
    assert caplog.messages == []


def test_metrics_at_a_step_that_cannot_be_are_kept_without_one(work, caplog):
    run = lazy()
    run.log_metrics({"loss": 0.5, "f1": [0.25, 0.75]}, 2.5)
    run.log_metrics({"loss": 0.25}, 2.5)
    assert curve(only_run(work), "loss") == [(None, 0.5), (None, 0.25)]
    assert curve(only_run(work), "f1__1") == [(None, 0.75)]
    assert caplog.messages == [
        "Logger: the step of some metrics is not recorded: a step must be a whole number, not 2.5"
    ]


def test_nothing_of_an_input_is_called(work):
    class Loud:
        def __call__(self):
            raise AssertionError("called")

    run = lazy()
    run.log_inputs({"activation": Loud(), "loss": Loud})
    assert set(record_of(only_run(work)).inputs) == {"activation", "loss"}


def test_an_ending_without_a_run_makes_none(work):
    run = lazy()
    run.mark_finished()
    run.mark_finished(ValueError("boom"))
    run.mark_stopped("SIGTERM", "stopped by SIGTERM")
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
