"""Bring training runs into Polyaxon, or into a local directory when no server is there.

    import axonlog

    axonlog.init(project="acme/digits")
    axonlog.log_metrics(loss=0.3, step=1)
    axonlog.end()

Everything of ``axonlog.tracking`` is here too, and is imported when it is first asked for: a
script that only imports axonlog pays for nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from axonlog._version import __version__

if sys.platform == "win32":
    raise ImportError(
        "axonlog needs Linux or macOS: it locks files with fcntl, which Windows does not have; "
        "run the training in WSL (Windows Subsystem for Linux)"
    )

_SUBMODULES = ("client", "context", "errors", "integration", "tracking")

if TYPE_CHECKING:
    from axonlog import client, context, errors, integration, tracking
    from axonlog.tracking import *  # noqa: F403  # the names stand there

    __all__ = ["__version__", "client", "context", "errors", "integration", "tracking"]
    __all__ += tracking.__all__


# `__all__` too is made when it is asked for: the names stand in `axonlog.tracking`.
def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"axonlog.{name}")
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module 'axonlog' has no attribute {name!r}")
    tracking = import_module("axonlog.tracking")
    if name == "__all__":
        return sorted(["__version__", *_SUBMODULES, *tracking.__all__])
    if name not in tracking.__all__:
        raise AttributeError(f"module 'axonlog' has no attribute {name!r}")
    value: object = getattr(tracking, name)
    if name != "TRACKING_RUN":  # that one changes
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    names: list[str] = __getattr__("__all__")  # type: ignore[assignment]  # what it is for `__all__`
    return names
