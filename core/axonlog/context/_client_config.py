"""How a user tells a client where the server is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from axonlog.context import _values as values
from axonlog.context._fields import READERS, VARIABLES
from axonlog.context._origin import Origin
from axonlog.context._values import CLOUD_HOST
from axonlog.errors import ArgumentTypeError

_CLOUD_WORD = "use_cloud_host"


class ClientConfig(BaseModel):
    """The settings of a client; what is left out comes from the environment and the files.

    Keywords are the names below or those of the environment variables (``POLYAXON_HOST``).
    Unknown ones are ignored, so that configurations written for other versions keep working.
    ``use_cloud_host=True`` stands for the host of Polyaxon Cloud; no other host beside it.

    Raises:
        ContextError: A value makes no sense; the message names the setting.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, extra="ignore")

    host: str | None = None
    token: SecretStr | None = None
    authentication_type: str | None = None
    timeout: float | None = None
    verify_ssl: bool | None = None
    ssl_ca_cert: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    assert_hostname: bool | None = None
    connection_pool_maxsize: int | None = None
    retries: int | None = None
    header: str | None = None
    header_service: str | None = None
    debug: bool | None = None
    in_cluster: bool | None = None
    is_managed: bool | None = None
    is_offline: bool | None = None
    no_op: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:  # whatever the caller passed
        if not isinstance(given, Mapping):
            return given
        known = {}
        for field in cls.model_fields:
            key = VARIABLES.get(field, field)
            key = key if given.get(key) is not None else field
            # An error of ours passes through pydantic; pydantic's own would quote the input.
            known[field] = READERS[field](given.get(key), Origin("client", key))
        if values.flag(given.get(_CLOUD_WORD), Origin("client", _CLOUD_WORD)):
            _refuse_another_host(known["host"], given)
            known["host"] = CLOUD_HOST
        return known


def _refuse_another_host(host: object, given: Mapping[str, Any]) -> None:
    """Two hosts are not resolved by a guess: the token would go to the one that was not meant."""
    if host is None or values.same_host(str(host), CLOUD_HOST):
        return
    key = VARIABLES["host"] if given.get(VARIABLES["host"]) is not None else "host"
    raise Origin("client", key).refuse(
        f"{host!r} contradicts {_CLOUD_WORD}=True, which stands for {CLOUD_HOST}; give one of them"
    )


def client_config(given: object) -> ClientConfig | None:
    """``given`` as a `ClientConfig`: one, a mapping, or the config object of another library."""
    if given is None or isinstance(given, ClientConfig):
        return given
    if isinstance(given, Mapping):
        return ClientConfig(**given)
    found = {name: getattr(given, name, None) for name in ClientConfig.model_fields}
    if all(value is None for value in found.values()):
        raise ArgumentTypeError(f"config= must be a ClientConfig, not {type(given).__name__}")
    # There, False is the default and says nothing.
    for name in ("is_offline", "no_op", "debug", "in_cluster", "is_managed"):
        found[name] = found[name] or None
    return ClientConfig(**found)
