"""Where am I? The resolved settings of a run, each with the source it came from."""

from axonlog.context._explain import not_built_yet
from axonlog.context._model import Connection, Context
from axonlog.context._options import (
    RUN_OPTIONS,
    ClientConfig,
    RunOptions,
    takes_run_options,
)
from axonlog.context._resolve import resolve, resolve_connection, resolve_host, searched_places
from axonlog.context._setting import Setting, Shadowed

__all__ = [
    "RUN_OPTIONS",
    "ClientConfig",
    "Connection",
    "Context",
    "RunOptions",
    "Setting",
    "Shadowed",
    "not_built_yet",
    "resolve",
    "resolve_connection",
    "resolve_host",
    "searched_places",
    "takes_run_options",
]
