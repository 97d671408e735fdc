"""A tiny Lightning model on scikit-learn's digits, for either Lightning package."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

PACKAGES = ("lightning.pytorch", "pytorch_lightning")

TRAIN_BATCHES = 5
EVAL_BATCHES = 2


@cache
def model_class(pl: ModuleType) -> Any:
    """A model's class of the package ``pl``, that logs in training, validation and test."""

    class Digits(pl.LightningModule):  # type: ignore[name-defined,misc]  # found at run time
        def __init__(self, lr: float = 0.1, layers: Any = None, act: Any = None) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(64, 10)

        def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
            loss = self._loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
            self.log("val_loss", self._loss(batch))

        def test_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
            self.log("test_loss", self._loss(batch))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

        def _loss(self, batch: list[torch.Tensor]) -> torch.Tensor:
            images, labels = batch
            return cross_entropy(self.layer(images), labels)

    return Digits


def make_model(pl: ModuleType, **hyperparameters: Any) -> Any:
    """A model of the package ``pl``; the hyperparameters ``layers`` and ``act`` do nothing."""
    return model_class(pl)(**hyperparameters)


def make_trainer(pl: ModuleType, **options: Any) -> Any:
    """A Trainer of the package ``pl`` that works quickly and quietly on the processor."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    limits = {"max_epochs": 2, "log_every_n_steps": 1}
    return pl.Trainer(accelerator="cpu", **{**quiet, **limits, **options})


def loader(batches: int) -> DataLoader[Any]:
    """The first digits, in batches of 32, always in the same order."""
    images, labels = load_digits(return_X_y=True)
    rows = slice(0, 32 * batches)
    data = torch.tensor(images[rows] / 16, dtype=torch.float32), torch.tensor(labels[rows])
    return DataLoader(TensorDataset(*data), batch_size=32)


def package(name: str) -> ModuleType:
    """Import ``name``, one of ``PACKAGES``."""
    return import_module(name)
