"""The answer of the resolver: settings, each with the source that gave it."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

T = TypeVar("T")


class Shadowed(BaseModel):
    """A source that also had an answer, and lost."""

    model_config = ConfigDict(frozen=True)

    value: object
    source: str
    path: str | None = None


class Setting(BaseModel, Generic[T]):
    """One resolved value: what it is, which source said so, and what that source overrode."""

    model_config = ConfigDict(frozen=True)

    value: T
    source: str
    path: str | None = None
    shadowed: tuple[Shadowed, ...] = ()


class Connection(BaseModel):
    """Everything that is needed to talk to a server."""

    model_config = ConfigDict(frozen=True)

    host: str
    token: SecretStr | None = None
    authentication_type: str = "Token"
    timeout_s: float | None = 60.0
    verify_ssl: bool = True
    ssl_ca_cert: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    assert_hostname: bool | None = None
    pool_maxsize: int | None = None
    retries: int | None = None
    header: str | None = None
    header_service: str | None = None


class Context(BaseModel):
    """Where a run belongs and how it is tracked, resolved once and never changed."""

    model_config = ConfigDict(frozen=True)

    host: Setting[str]
    token: Setting[SecretStr | None]
    owner: Setting[str | None]
    team: Setting[str | None]
    project: Setting[str | None]
    run_uuid: Setting[str | None]
    name: Setting[str | None]
    description: Setting[str | None]
    tags: Setting[tuple[str, ...]]
    is_new: Setting[bool]
    is_managed: Setting[bool]
    is_offline: Setting[bool]
    no_op: Setting[bool]
    artifacts_path: Setting[str | None]
    outputs_path: Setting[str | None]
    collect_artifacts: Setting[bool]
    collect_resources: Setting[bool]
    timeout: Setting[float | None]
    verify_ssl: Setting[bool]
    warnings: tuple[str, ...] = ()
    connection: Connection
