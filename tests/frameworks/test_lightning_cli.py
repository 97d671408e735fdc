import sys
from importlib import import_module

import pytest

from support.kept import curves, record_of, run_directories
from support.lightning_digits import PACKAGES, loader, model_class, package

pytestmark = [
    pytest.mark.frameworks,
    # Advice on loading data faster, which a test of 64 images does not need.
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    # Lightning 2.6 uses a class of torch that torch 2.13 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    # Lightning 2.6 calls a method of jsonargparse that jsonargparse 4.53 deprecates.
    pytest.mark.filterwarnings("ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning"),
]

QUIETLY = [
    "--seed_everything=0",
    "--trainer.accelerator=cpu",
    "--trainer.max_epochs=1",
    "--trainer.log_every_n_steps=1",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]


@pytest.fixture(params=PACKAGES)
def fit(request, monkeypatch):
    """``fit(*arguments)``: what a user's script does with the command line."""
    pl = package(request.param)
    cli = import_module(f"{request.param}.cli")

    class Data(pl.LightningDataModule):
        def train_dataloader(self):
            return loader(2)

        def val_dataloader(self):
            return loader(1)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train.py", "fit", *QUIETLY, *arguments])
        return cli.LightningCLI(model_class(pl), Data)

    return run


def logger_of(**arguments):
    """The command line that asks for the logger, with arguments in YAML."""
    flags = [f"--trainer.logger.{name}={value}" for name, value in arguments.items()]
    return ["--trainer.logger=axonlog_lightning.AxonLogger", *flags]


def test_the_command_line_makes_the_logger(work, fit):
    cli = fit(
        *logger_of(project="acme/digits", name="cli", tags="[a,b]", is_offline="true"),
        "--model.lr=0.05",
    )
    (directory,) = run_directories(work)
    record = record_of(directory)
    assert (record.owner, record.project, record.name) == ("acme", "digits", "cli")
    assert (record.tags, record.status) == (["a", "b"], "succeeded")
    assert record.inputs["lr"] == 0.05
    assert {"train_loss_step", "val_loss"} <= curves(directory)
    assert cli.trainer.logger.version == record.uuid


def test_running_it_again_is_another_run_and_no_clash(work, fit):
    arguments = logger_of(project="digits", is_offline="true")
    uuids = {fit(*arguments).trainer.logger.version for _ in range(2)}
    assert {path.name for path in run_directories(work)} == uuids
    for directory in run_directories(work):
        assert (directory / "outputs" / "config.yaml").is_file()


def test_a_configuration_makes_the_logger_and_so_does_the_one_it_saved(work, fit):
    config = work / "given.yaml"
    config.write_text(
        """
        trainer:
          logger:
            class_path: axonlog_lightning.AxonLogger
            init_args:
              project: digits
              is_offline: true
              prefix: fold1
              track_code: false
              config:
                tracking:
                  tags: [from, config]
        """
    )
    fit(f"--config={config}")
    (first,) = run_directories(work)
    fit(f"--config={first / 'outputs' / 'config.yaml'}")
    for directory in run_directories(work):
        assert record_of(directory).tags == ["from", "config"]
        assert "fold1__val_loss" in curves(directory)
    assert len(run_directories(work)) == 2


def test_every_argument_can_be_set_from_the_command_line(work, fit):
    arguments = {
        "owner": "acme",
        "project": "digits",
        "run_uuid": "0" * 31 + "1",
        "name": "all",
        "description": "every argument",
        "tags": "[a]",
        "is_offline": "true",
        "is_new": "false",
        "artifacts_path": str(work / "here"),
        "collect_artifacts": "true",
        "collect_resources": "false",
        "track_code": "false",
        "track_env": "false",
        "track_logs": "false",
        "config": "{seed: 0}",
        "prefix": "p",
        "strict": "true",
        "log_context": "true",
    }
    fit(*logger_of(**arguments))
    record = record_of(work / "here")
    assert (record.uuid, record.description) == ("0" * 31 + "1", "every argument")
    assert not (work / "here" / "outputs" / "env.json").exists()


def test_a_no_op_leaves_training_alone_and_no_run(work, fit, monkeypatch):
    monkeypatch.setenv("POLYAXON_NO_OP", "true")
    for _ in range(2):
        trainer = fit(*logger_of(project="digits")).trainer
        assert trainer.current_epoch == 1
        assert str(work / "axonlog_data" / "no_op") in trainer.checkpoint_callback.best_model_path
    assert list(work.rglob("*.plx*")) == []
