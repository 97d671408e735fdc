"""Track PyTorch Lightning: ``Trainer(logger=AxonLogger(project="acme/digits"))``.

``AxonLogger`` is looked up at each access and not stored here: a Lightning package that was
imported after this one has to know the class before it checks it by name, as LightningCLI does.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axonlog_lightning._logger import AxonLogger

__all__ = ["AxonLogger"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from axonlog_lightning import _base, _logger

        _base.register_subclass(_logger.AxonLogger)
        return _logger.AxonLogger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
