"""The sources: objects that may answer for a field, each from one place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from axonlog.context import _values as values
from axonlog.context._environment import Environment
from axonlog.context._files import read_json, read_mapping
from axonlog.context._model import Connection
from axonlog.context._options import (
    CLIENT_SETTINGS,
    READERS,
    RUN_INSTANCE,
    SETTINGS,
    STRICT_FLAGS,
    TOKEN_VARIABLE,
    VARIABLES,
    ClientConfig,
    client_config,
)
from axonlog.context._origin import Answer, Origin, SourceName
from axonlog.context._trainer_config import TrainerConfig
from axonlog.context._values import NO_TOKEN
from axonlog.errors import ArgumentTypeError


class Source(Protocol):
    """One place that may know the value of a field."""

    def answer(self, field: str) -> Answer | None:
        """The value with its origin, or None when this source says nothing.

        Raises:
            AxonlogError: It says something that makes no sense.
        """

    def place(self, field: str) -> str:
        """Where a person would look for the answer, and why there is none."""


class Silent:
    """A source that is switched off."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def answer(self, field: str) -> Answer | None:
        return None

    def place(self, field: str) -> str:
        return self._reason


def _read(field: str, raw: object, origin: Origin) -> Answer | None:
    value = READERS[field](raw, origin)
    return None if value is None else Answer(value, origin)


class Arguments:
    """The arguments of the call."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def answer(self, field: str) -> Answer | None:
        origin = Origin("argument", field)
        raw = self._given.get(field)
        if field in STRICT_FLAGS:
            value = values.strict_flag(raw, origin)
            return None if value is None else Answer(value, origin)
        return _read(field, raw, origin)

    def place(self, field: str) -> str:
        return f"the argument {field}= (not given)"


class Trainer:
    """The trainer's configuration."""

    def __init__(self, config: TrainerConfig) -> None:
        self._config = config

    def answer(self, field: str) -> Answer | None:
        return _read(field, self._config.values.get(field), self._config.origin(field))

    def place(self, field: str) -> str:
        if self._config.path:
            return f"{self._config.path} (no {field!r})"
        return f"the trainer config (no {field!r})"


class Client:
    """A client that was given: a `PolyaxonClient`, or a `RunClient` that holds one."""

    def __init__(self, given: object | None) -> None:
        self._token: object = None
        self._config: ClientConfig | None = None
        self._run: Mapping[str, object] = {}
        if given is None:
            return
        if hasattr(given, "client"):  # a RunClient, known by its shape: clients are above us
            fields = ("owner", "project", "run_uuid")
            self._run = {name: getattr(given, name, None) for name in fields}
            given = given.client
        if given is None:
            return
        unknown = object()
        config = getattr(given, "config", unknown)
        self._token = getattr(given, "token", unknown)
        if config is unknown or self._token is unknown:
            raise ArgumentTypeError(
                f"client= must be a PolyaxonClient or a RunClient, not {type(given).__name__}"
            )
        self._config = client_config(config)
        if self._config is None and self._token is None:
            self._config = _settled(given)

    @classmethod
    def of(cls, config: ClientConfig | None, token: object) -> Client:
        """The client that would be built from ``config`` and ``token``."""
        client = cls(None)
        client._config = client_config(config)
        client._token = token
        return client

    def answer(self, field: str) -> Answer | None:
        if field in self._run:
            return _read(field, self._run[field], Origin("client", field))
        if field == "token":
            given = _read(field, self._token, Origin("client", "token"))
            if given is not None:
                return given
        if self._config is None or field not in ClientConfig.model_fields:
            return None
        value = getattr(self._config, field)
        return None if value is None else Answer(value, Origin("client", field))

    def place(self, field: str) -> str:
        return f"the client= (no {field!r})"


def _settled(client: object) -> ClientConfig | None:
    """The settings of a client that was made from a connection, or has already talked."""
    connection = getattr(client, "_connection", None)
    if not isinstance(connection, Connection):
        return None
    told = connection.model_dump()
    told["timeout"] = told.pop("timeout_s") or 0.0
    told["connection_pool_maxsize"] = told.pop("pool_maxsize")
    # Made without a token, it sends none, whatever is cached.
    told["token"] = connection.token or NO_TOKEN
    return ClientConfig(**told)


class RunInstance:
    """The run that Polyaxon started this process for: ``owner.project.runs.uuid``."""

    def __init__(self, environment: Environment) -> None:
        self._text = environment.variable(RUN_INSTANCE)

    def answer(self, field: str) -> Answer | None:
        origin = Origin("in-cluster", RUN_INSTANCE)
        advice = "please make sure that Polyaxon started this run"
        if self._text is None:
            raise origin.refuse(
                "could not get run info: POLYAXON_IS_MANAGED is true and POLYAXON_RUN_INSTANCE is "
                f"not set; {advice}, or unset POLYAXON_IS_MANAGED"
            )
        parts = self._text.strip().split(".")
        if len(parts) != 4 or not all(parts):
            raise origin.refuse(
                f"run instance {self._text!r} is not owner.project.runs.uuid; {advice}"
            )
        # The uuid is the name of the mounted directory too: it is checked, never respelled.
        uuid = values.verbatim_uuid(parts[3], origin)
        found = {"owner": parts[0], "project": parts[1], "run_uuid": uuid}.get(field)
        return None if found is None else Answer(found, origin)

    def place(self, field: str) -> str:
        return f"the variable {RUN_INSTANCE}"


# POLYAXON_NO_CONFIG switches the client's settings off, never a promise to stay offline.
_WITHOUT_CONFIG = frozenset(SETTINGS) - (frozenset(CLIENT_SETTINGS) - {"is_offline", "no_op"})


class EnvironmentVariables:
    """The variables, by the names of the original library; read when asked."""

    def __init__(self, environment: Environment, *, no_config: bool = False) -> None:
        self._environment = environment
        self._no_config = no_config

    def answer(self, field: str) -> Answer | None:
        name = SETTINGS[field].variable
        if name is None:
            return None
        if self._no_config and field not in _WITHOUT_CONFIG:
            return None
        return _read(field, self._environment.env.get(name), Origin("environment", name))

    def place(self, field: str) -> str:
        return f"the variable {SETTINGS[field].variable} (not set)"


class CachedFile:
    """One file of the command line; read once, when first asked."""

    def __init__(self, name: SourceName, path: Path, what: str) -> None:
        self.name = name
        self.path = path
        self._what = what
        self._content: Mapping[str, Any] | None = None
        self._was_read = False

    def content(self) -> Mapping[str, Any] | None:
        """What the file holds; None when it is not there.

        Raises:
            CacheError: It is there and cannot be used.
        """
        if not self._was_read:
            self._content = self._load()
            self._was_read = True
        return self._content

    def raw(self, field: str, *keys: str) -> tuple[object, Origin]:
        """The value of the first of ``keys`` (else of ``field``) that is there."""
        content = self.content() or {}
        key = next((key for key in (*keys, field) if content.get(key) is not None), field)
        return content.get(key), Origin(self.name, key, str(self.path))

    def answer(self, field: str) -> Answer | None:
        return _read(field, *self.raw(field))

    def place(self, field: str) -> str:
        return f"{self.path} ({'no ' + repr(field) if self.path.is_file() else 'no such file'})"

    def _load(self) -> Mapping[str, Any] | None:
        return read_mapping(self.path, what=self._what)


class ClientFile(CachedFile):
    """A `.client` file: settings of the client, under the variables' names or the fields'."""

    def __init__(self, name: SourceName, directory: Path) -> None:
        super().__init__(name, directory / ".client", "the client settings in")

    def answer(self, field: str) -> Answer | None:
        if field not in VARIABLES and field != "token":
            return None
        return _read(field, *self.raw(field, *([VARIABLES[field]] if field in VARIABLES else [])))

    def _load(self) -> Mapping[str, Any] | None:
        return read_json(self.path, what=self._what)


class AuthFile(CachedFile):
    """An `.auth` file: the token."""

    def __init__(self, name: SourceName, directory: Path) -> None:
        super().__init__(name, directory / ".auth", "the credentials in")

    def answer(self, field: str) -> Answer | None:
        return _read(field, *self.raw(field, TOKEN_VARIABLE)) if field == "token" else None

    def _load(self) -> Mapping[str, Any] | None:
        return read_json(self.path, what=self._what)


class UserFile(CachedFile):
    """A `.user` file: whose organization is the current one."""

    def answer(self, field: str) -> Answer | None:
        return _read(field, *self.raw("organization")) if field == "owner" else None


class ProjectFile(CachedFile):
    """A `.project` file: owner and name, nothing else of it matters."""

    def answer(self, field: str) -> Answer | None:
        if field not in ("owner", "project"):
            return None
        return _read(field, *self.raw("name" if field == "project" else "owner"))


class RunFile(CachedFile):
    """A `.run` file: the uuid and the place of a run, and how it stood."""

    def answer(self, field: str) -> Answer | None:
        return _read(field, *self.raw(field, *(["uuid"] if field == "run_uuid" else [])))

    def status(self) -> str | None:
        """How the run stood when the file was written; None if unknown or unheard of."""
        status = (self.content() or {}).get("status")
        return status if isinstance(status, str) else None
