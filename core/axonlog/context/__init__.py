"""Where am I? The resolved settings of a run, each with the source it came from."""

from axonlog.context._client_config import ClientConfig
from axonlog.context._explain import not_built_yet
from axonlog.context._given import absent_unless_given
from axonlog.context._model import Connection, Context, Setting, Shadowed
from axonlog.context._resolve import places_of, resolve, resolve_connection

__all__ = [
    "ClientConfig",
    "Connection",
    "Context",
    "Setting",
    "Shadowed",
    "absent_unless_given",
    "not_built_yet",
    "places_of",
    "resolve",
    "resolve_connection",
]
