"""The contestants by name, each with what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from ._contestant import Contestant


@dataclass(frozen=True)
class Entry:
    """One contestant: its name, its class, and what is to be installed for it."""

    name: str
    module: str
    kind: str
    environment: str
    requirements: tuple[str, ...]

    def load(self) -> type[Contestant]:
        """The class; imports nothing of the peer yet."""
        found: type[Contestant] = getattr(import_module(f"contestants.{self.module}"), self.kind)
        return found


_CORE = ("pydantic>=2.7", "requests>=2.31")
_TORCH = ("torch", "pytorch-lightning")

OURS = Entry("axonlog", "ours", "Axonlog", "axonlog", _CORE)

FLOORS = (
    Entry("floor mmap", "floors", "MappedFloor", "axonlog", _CORE),
    Entry("floor write", "floors", "WrittenFloor", "axonlog", _CORE),
)

PEERS = (
    Entry("traceml", "polyaxon_tracking", "Traceml", "traceml", ("traceml", "polyaxon", "pandas")),
    Entry("tensorboardX", "tensorboard_x", "TensorboardX", "tensorboardX", ("tensorboardX",)),
    Entry("trackio", "track_io", "Trackio", "trackio", ("trackio",)),
    Entry("CSVLogger", "lightning_csv", "LightningCsv", "lightning", _TORCH),
)


def find(name: str) -> Entry:
    """The contestant of this name.

    Raises:
        KeyError: There is none.
    """
    return {entry.name: entry for entry in (OURS, *FLOORS, *PEERS)}[name]
