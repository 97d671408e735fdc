import csv
import math

import pytest
from torch.optim.lr_scheduler import ExponentialLR

import axonlog
from axonlog.client import PolyaxonClient, RunClient
from axonlog.context import ClientConfig
from axonlog_lightning import AxonLogger
from support.kept import curve, curves, only_run, record_of, run_directories, statuses
from support.lightning_digits import (
    EVAL_BATCHES,
    PACKAGES,
    TRAIN_BATCHES,
    loader,
    make_model,
    make_trainer,
    package,
)
from support.remote import remote_curve

pytestmark = [
    pytest.mark.frameworks,
    # Advice on loading data faster, which a test of 160 images does not need.
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    # Lightning 2.6 uses a class of torch that torch 2.13 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


@pytest.fixture(params=PACKAGES)
def pl(request):
    pl = package(request.param)
    pl.seed_everything(0, verbose=False)
    return pl


def points_of_csv(directory):
    """What Lightning's own CSV logger kept, as {name: [(step, value), ...]}."""
    points = {}
    with (directory / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if name != "step" and value != "":
                    points.setdefault(name, []).append((int(row["step"]), float(value)))
    return points


def test_every_point_that_lightning_logs_is_kept(work, pl):
    theirs = pl.loggers.CSVLogger(work / "csv")
    ours = AxonLogger(project="digits", is_offline=True)
    trainer = make_trainer(pl, logger=[theirs, ours])
    model = make_model(pl, lr=0.1)
    trainer.fit(model, loader(TRAIN_BATCHES), loader(EVAL_BATCHES))
    trainer.test(model, loader(EVAL_BATCHES), verbose=False)

    directory = only_run(work)
    expected = points_of_csv(work / "csv" / "lightning_logs" / "version_0")
    assert expected.keys() == {
        "epoch", "test_loss", "train_loss_epoch", "train_loss_step", "val_loss",
    }  # fmt: skip
    assert [step for step, _ in expected["train_loss_step"]] == list(range(2 * TRAIN_BATCHES))
    assert {name: curve(directory, name) for name in expected} == expected
    assert curves(directory) == set(expected)


def test_a_run_of_several_stages_is_one_and_ends_well(work, pl):
    logger = AxonLogger(project="acme/digits", name="stages", is_offline=True)
    trainer = make_trainer(pl, logger=logger, max_epochs=1, enable_checkpointing=False)
    model = make_model(pl, lr=0.1, layers={"hidden": [64, 10]}, act=math.tanh)
    trainer.validate(model, loader(EVAL_BATCHES), verbose=False)
    trainer.fit(model, loader(TRAIN_BATCHES), loader(EVAL_BATCHES))
    trainer.test(model, loader(EVAL_BATCHES), verbose=False)

    record = record_of(only_run(work))
    assert (record.owner, record.project, record.name) == ("acme", "digits", "stages")
    assert record.inputs["lr"] == 0.1
    assert record.inputs["layers__hidden"] == [64, 10]
    assert "tanh" in record.inputs["act"]
    assert record.status == "succeeded"
    assert statuses(only_run(work)) == ["created", *["running", "succeeded"] * 3]


def test_a_fast_dev_run_starts_nothing(work, pl):
    logger = AxonLogger(project="digits", is_offline=True)
    trainer = make_trainer(pl, logger=logger, fast_dev_run=1)
    trainer.fit(make_model(pl), loader(1), loader(1))
    assert run_directories(work) == []


def test_checkpoints_and_the_trainers_files_are_inside_the_run(work, pl):
    logger = AxonLogger(project="digits", is_offline=True)
    trainer = make_trainer(pl, logger=logger, max_epochs=1)
    trainer.fit(make_model(pl), loader(1), loader(1))
    outputs = only_run(work) / "outputs"
    assert trainer.log_dir == str(outputs)
    (checkpoint,) = outputs.rglob("*.ckpt")
    assert str(checkpoint) == trainer.checkpoint_callback.best_model_path


def test_the_learning_rate_monitor_is_kept(work, pl):
    logger = AxonLogger(project="digits", is_offline=True)
    monitor = pl.callbacks.LearningRateMonitor("step")
    trainer = make_trainer(
        pl, logger=logger, max_epochs=1, callbacks=[monitor], enable_checkpointing=False
    )
    model = make_model(pl)
    sgd = model.configure_optimizers()
    halving = ExponentialLR(sgd, 0.5)
    model.configure_optimizers = lambda: ([sgd], [{"scheduler": halving, "interval": "step"}])
    trainer.fit(model, loader(3), loader(1))
    assert curve(only_run(work), "lr-SGD") == [(0, 0.1), (1, 0.05), (2, 0.025)]


def test_a_script_and_its_logger_share_one_run(work, pl):
    run = axonlog.init(project="digits", is_offline=True)
    trainer = make_trainer(pl, logger=AxonLogger(), max_epochs=1, enable_checkpointing=False)
    trainer.fit(make_model(pl), loader(1), loader(1))
    axonlog.log_metrics(kept=1.0, step=9)
    directory = only_run(work)
    assert directory.name == run.run_uuid
    assert {"train_loss_step", "kept"} <= curves(directory)


def test_five_loggers_in_a_loop_are_five_runs(work, pl):
    for fold in range(5):
        logger = AxonLogger(project="digits", name=f"fold-{fold}", is_offline=True)
        trainer = make_trainer(pl, logger=logger, max_epochs=1, enable_checkpointing=False)
        trainer.fit(make_model(pl), loader(1), loader(1))
    records = [record_of(directory) for directory in run_directories(work)]
    assert {record.name for record in records} == {f"fold-{fold}" for fold in range(5)}
    assert {record.status for record in records} == {"succeeded"}


@pytest.mark.server
def test_a_run_on_a_server_reads_back_from_there(work, pl, polyaxon_server):
    client = PolyaxonClient(ClientConfig(host=polyaxon_server.url))
    logger = AxonLogger(project="digits", name="online", tags=["tiny"], client=client)
    trainer = make_trainer(pl, logger=logger, enable_checkpointing=False)
    trainer.fit(make_model(pl, lr=0.1), loader(TRAIN_BATCHES), loader(EVAL_BATCHES))
    logger.experiment.end()

    remote = RunClient("default", "digits", logger.version, client)
    data = remote.get()
    local = record_of(only_run(work))
    assert (data.name, data.status) == ("online", "succeeded")
    assert data.tags == ("tiny",)
    assert data.inputs == local.inputs
    assert data.outputs == local.outputs
    names = curves(only_run(work))
    assert names == {"epoch", "train_loss_epoch", "train_loss_step", "val_loss"}
    assert {name: remote_curve(remote, name) for name in names} == {
        name: curve(only_run(work), name) for name in names
    }
