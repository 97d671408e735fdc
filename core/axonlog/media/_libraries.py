"""Libraries that an encoder needs and axonlog does not: imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from axonlog.errors import AxonlogError


class DependencyError(AxonlogError, ImportError):
    """A value cannot be logged because a library is not installed; the message says which.

    ``name`` is the module that is missing, as for every ``ImportError``.
    """

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


def need(module: str, purpose: str, *, install: str = "axonlog[media]") -> Any:
    """The module of that name.

    Args:
        module: A dotted name, such as ``PIL.Image``.
        purpose: What cannot be done without it; the message begins with it: "log an image".
        install: What ``pip install`` is to be given.

    Raises:
        DependencyError: It is not installed, or cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name not in (None, module, package):
            raise DependencyError(
                f"cannot {purpose}: {package} cannot be imported: {error}", name=module
            ) from error
        raise DependencyError(
            f"cannot {purpose} without {package}: pip install '{install}'", name=module
        ) from error
