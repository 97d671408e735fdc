import copy
import pickle
from argparse import Namespace
from dataclasses import dataclass
from types import MappingProxyType

import pytest
import torch
from lightning.fabric.loggers.logger import _DummyExperiment
from lightning.pytorch.loggers import Logger
from lightning_utilities.core.rank_zero import rank_zero_only
from omegaconf import OmegaConf

from axonlog.errors import ContextError
from axonlog_lightning import AxonLogger
from support.kept import curve, curves, only_run, record_of, statuses


def offline(**arguments):
    return AxonLogger(project="acme/digits", is_offline=True, **arguments)


def test_the_logger_has_all_that_a_logger_of_lightning_has(work):
    expected = {name for name in dir(Logger) if not name.startswith("_")}
    assert expected <= set(dir(offline()))


def test_making_one_and_reading_it_starts_nothing(work):
    logger = offline()
    assert logger.name == "digits"
    assert logger.version == logger.version
    assert logger.root_dir == str(work / "axonlog_data" / "runs" / logger.version)
    assert logger.save_dir == logger.log_dir == f"{logger.root_dir}/outputs"
    logger.save()
    logger.finalize("success")
    assert list(work.iterdir()) == []


def test_the_experiment_is_the_run_and_stays_it(work):
    logger = offline(name="first", tags=["a", "b"])
    run = logger.experiment
    assert run is logger.experiment
    assert run.run_uuid == logger.version
    assert only_run(work).name == logger.version
    record = record_of(only_run(work))
    assert (record.owner, record.project, record.name) == ("acme", "digits", "first")
    assert record.tags == ["a", "b"]


def test_a_missing_project_is_an_error_that_hasattr_does_not_swallow(work):
    logger = AxonLogger()
    with pytest.raises(ContextError) as caught:
        hasattr(logger, "experiment")
    assert not isinstance(caught.value, AttributeError)


def test_metrics_are_kept_with_their_steps_whatever_their_order(work):
    logger = offline()
    logger.log_metrics({"loss": 0.5, "epoch": 0}, step=3)
    logger.log_metrics({"val_loss": 0.7, "epoch": 0}, step=3)
    logger.log_metrics({"loss": 0.25}, step=1)
    logger.log_metrics({"loss": 0.125})
    directory = only_run(work)
    assert curve(directory, "loss") == [(3, 0.5), (1, 0.25), (None, 0.125)]
    assert curve(directory, "val_loss") == [(3, 0.7)]
    assert curve(directory, "epoch") == [(3, 0.0), (3, 0.0)]


def test_metrics_of_other_loggers_stay_as_they_are(work):
    weight = torch.tensor(2.0, requires_grad=True)
    metrics = MappingProxyType({"weight": weight, "step": 7})
    offline().log_metrics(metrics=metrics, step=1)
    assert metrics["weight"].requires_grad
    assert curve(only_run(work), "weight") == [(1, 2.0)]
    assert curve(only_run(work), "step") == [(1, 7.0)]


def test_a_prefix_goes_before_each_metric(work):
    logger = offline(prefix="fold1")
    logger.log_metrics({"loss": 0.5}, step=0)
    assert curves(only_run(work)) == {"fold1__loss"}


@pytest.mark.parametrize("wrap", [dict, lambda params: Namespace(**params)], ids=["dict", "args"])
def test_hyperparameters_become_inputs(work, wrap):
    params = {"lr": 0.1, "layers": [64, 10], "optimizer": {"betas": (0.9, 0.999)}, "act": torch.nn}
    offline().log_hyperparams(wrap(params), "ignored", ignored=True)
    inputs = record_of(only_run(work)).inputs
    assert inputs["lr"] == 0.1
    assert inputs["layers"] == [64, 10]
    assert inputs["optimizer__betas"] == [0.9, 0.999]
    assert "torch.nn" in inputs["act"]


def test_success_is_told_and_nothing_ends(work):
    logger = offline()
    logger.log_metrics({"loss": 0.5}, step=0)
    logger.finalize("success")
    assert record_of(only_run(work)).status == "succeeded"
    logger.log_metrics({"test_loss": 0.5}, step=0)
    assert record_of(only_run(work)).status == "running"
    logger.finalize("success")
    assert statuses(only_run(work)) == ["created", "running", "succeeded", "running", "succeeded"]


class SIGTERMException(SystemExit):
    """As both Lightning packages name theirs."""


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("loss is NaN"), "failed", "ValueError"),
        (KeyboardInterrupt(), "stopped", "KeyboardInterrupt"),
        (SIGTERMException(), "stopped", "SIGTERM"),
    ],
)
def test_a_failure_is_told_by_the_exception_that_is_handled(work, error, status, reason):
    logger = offline()
    logger.log_metrics({"loss": 0.5}, step=0)
    try:
        raise error
    except (ValueError, KeyboardInterrupt, SystemExit):
        logger.finalize("failed")
    record = record_of(only_run(work))
    assert (record.status, record.status_conditions[-1].reason) == (status, reason)
    if isinstance(error, ValueError):
        assert "loss is NaN" in record.status_conditions[-1].message
    logger.finalize("success")
    assert record_of(only_run(work)).status == status


def test_a_failure_that_nobody_explains_is_one_all_the_same(work):
    logger = offline()
    logger.log_metrics({"loss": 0.5}, step=0)
    logger.finalize("failed")
    assert record_of(only_run(work)).status == "failed"


def test_a_run_that_a_cluster_requeues_stays_running(work):
    logger = offline()
    logger.log_metrics({"loss": 0.5}, step=0)
    logger.finalize("finished")
    assert record_of(only_run(work)).status == "running"


def test_other_ranks_than_the_first_do_nothing(work, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = offline()
    assert isinstance(logger.experiment, _DummyExperiment)
    logger.log_metrics({"loss": 0.5}, step=0)
    logger.log_hyperparams({"lr": 0.1})
    logger.finalize("success")
    assert list(work.iterdir()) == []


def test_a_copy_is_the_same_run_and_a_pickle_knows_it(work):
    logger = offline()
    before = pickle.loads(pickle.dumps(logger))
    assert copy.deepcopy(logger).experiment is logger.experiment
    after = pickle.loads(pickle.dumps(logger))
    assert {before.version, after.version} == {logger.version}
    assert before.experiment is after.experiment is logger.experiment
    assert len(list((work / "axonlog_data" / "runs").iterdir())) == 1


def test_a_metric_that_is_no_number_does_not_end_the_training(work, caplog):
    metrics = {"a": torch.ones(2), "b": 1, "c": "high", "d": torch.ones(2, 2)}
    offline().log_metrics(metrics, step=0)
    assert curves(only_run(work)) == {"a__0", "a__1", "b"}
    assert [message.split(" is not ")[0] for message in caplog.messages] == [
        "AxonLogger: metric 'c'",
        "AxonLogger: metric 'd'",
    ]


def test_hyperparameters_that_have_no_name_do_not_end_the_training(work, caplog):
    logger = offline()
    logger.log_hyperparams({"": 1, "x": 2, 3: 1})
    assert record_of(only_run(work)).inputs == {"x": 2, "3": 1}
    assert len(caplog.messages) == 1


@dataclass
class Settings:
    lr: float = 0.1


def test_hyperparameters_may_be_the_attributes_of_any_object(work):
    offline().log_hyperparams(Settings())
    assert record_of(only_run(work)).inputs == {"lr": 0.1}


def test_what_holds_no_hyperparameters_is_told_and_does_not_end_the_training(work, caplog):
    logger = offline()
    logger.log_hyperparams([0.1, 64])
    logger.log_metrics({"loss": 0.5}, step=0)
    assert record_of(only_run(work)).inputs is None
    (message,) = caplog.messages
    assert message.endswith("inputs must be a mapping or have attributes, not [0.1, 64]")


def test_a_value_that_omegaconf_does_not_have_does_not_cost_the_others(work):
    params = OmegaConf.create({"lr": 0.1, "data": {"path": "???"}, "width": "${nowhere}"})
    offline().log_hyperparams(params)
    assert record_of(only_run(work)).inputs == {
        "lr": 0.1,
        "data__path": "<MissingMandatoryValue>",
        "width": "<InterpolationKeyError>",
    }


def test_no_hyperparameters_are_nothing(work):
    offline().log_hyperparams(None)
    assert list(work.iterdir()) == []
