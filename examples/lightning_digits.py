"""Train a small Lightning model on scikit-learn's handwritten digits, tracked by AxonLogger.

python examples/lightning_digits.py                               # kept under ./axonlog_data
python examples/lightning_digits.py --host http://localhost:8000  # and sent to a server

Needs `pip install '.[lightning]' scikit-learn`. The `pytorch_lightning` package does as well: the
logger goes with either.
"""

# ruff: noqa: D101, D102  # the methods are Lightning's hooks, and told there

import argparse
import logging
import warnings

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from axonlog.client import ClientConfig, PolyaxonClient
from axonlog_lightning import AxonLogger


class Digits(pl.LightningModule):
    def __init__(self, hidden: int = 128, lr: float = 5e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        return self.record("train", batch)

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        self.record("val", batch)

    def test_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        self.record("test", batch)

    def record(self, stage: str, batch: list[torch.Tensor]) -> torch.Tensor:
        images, labels = batch
        logits = self.net(images)
        loss = cross_entropy(logits, labels)
        self.log(f"{stage}_loss", loss)
        self.log(f"{stage}_accuracy", (logits.argmax(1) == labels).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])


def loaders() -> list[DataLoader]:
    images, labels = load_digits(return_X_y=True)
    data = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
    rest, test = train_test_split(range(len(labels)), test_size=0.2, random_state=0)
    train, val = train_test_split(rest, test_size=0.1, random_state=0)
    return [
        DataLoader(TensorDataset(*(part[rows] for part in data)), 32, shuffle=rows is train)
        for rows in (train, val, test)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", help="address of a Polyaxon server; without one: offline")
    parser.add_argument("--project", default="digits")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--explain", action="store_true", help="show where settings came from")
    args = parser.parse_args()
    pl.seed_everything(0, verbose=False)
    # Lightning's greetings, and its advice on loading more data than this.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")

    logger = AxonLogger(
        project=args.project,
        name="lightning-digits",
        tags=["example", "lightning"],
        is_offline=args.host is None,
        client=PolyaxonClient(ClientConfig(host=args.host)) if args.host else None,
    )
    if args.explain:
        print(logger.context.explain(), end="\n\n", flush=True)
    trainer = pl.Trainer(
        max_epochs=args.epochs,
        logger=logger,
        accelerator="cpu",
        log_every_n_steps=10,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model, (train, val, test) = Digits(), loaders()
    trainer.fit(model, train, val)
    (result,) = trainer.test(model, test, verbose=False)
    print(f"test accuracy {result['test_accuracy']:.3f}")
    print(f"run {logger.version} in {logger.root_dir}")


if __name__ == "__main__":
    main()
