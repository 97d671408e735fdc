"""Which Lightning? It comes as two packages with two unrelated ``Logger`` classes.

``lightning`` and ``pytorch_lightning`` hold the same code twice, and installing the first brings
the second. The logger inherits from the one that the script has imported, and is registered with
the other when that is imported too. None is imported that the script did not ask for, unless
there is none yet.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

_MODULES = ("lightning.pytorch.loggers.logger", "pytorch_lightning.loggers.logger")


def _imported() -> list[ModuleType]:
    return [sys.modules[name] for name in _MODULES if name in sys.modules]


def _first() -> ModuleType:
    for module in _imported():
        return module
    for name in _MODULES:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # it is there, and something that it needs is not
    raise ImportError(
        "AxonLogger needs PyTorch Lightning, and neither lightning nor pytorch_lightning is "
        "installed: pip install 'axonlog[lightning]'"
    )


def register_subclass(logger: type) -> None:
    """Make ``logger`` a Logger in the eyes of every Lightning package imported by now."""
    for module in _imported():
        if not issubclass(logger, module.Logger):
            module.Logger.register(logger)


if TYPE_CHECKING:
    from lightning.pytorch.loggers.logger import Logger as _LightningLogger
    from pytorch_lightning.loggers.logger import Logger as _PytorchLightningLogger

    # What a type checker should believe: the logger goes into either Trainer.
    class LoggerBase(_LightningLogger, _PytorchLightningLogger):
        def after_save_checkpoint(self, checkpoint_callback: Any) -> None: ...

    def rank_zero_experiment(fn: Any) -> Any: ...
else:
    _module = _first()
    LoggerBase = _module.Logger
    rank_zero_experiment = _module.rank_zero_experiment
