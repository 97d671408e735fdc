"""One setting: its value, the source that gave it, and the sources it overrode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

T = TypeVar("T")


class NoSecretsInPickles(BaseModel):
    """Pickles are files, and travel: a secret in one is None. Copies within the process keep it."""

    # To build the schemas takes a quarter of the first `init`, which needs none of them.
    model_config = ConfigDict(frozen=True, defer_build=True)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        return {**state, "__dict__": _without_secrets(state["__dict__"])}


def _without_secrets(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, SecretStr) else v for name, v in fields.items()}


class Shadowed(NoSecretsInPickles):
    """A source that also had an answer, and lost."""

    value: object
    source: str
    path: str | None = None
    key: str | None = None


class Setting(BaseModel, Generic[T]):
    """One resolved value: what it is, which source said so, and what that source overrode.

    ``path`` is the file the value was read from, ``key`` the variable, the argument or the key in
    that file. ``shadowed`` is ordered: the first would have won had the winner been silent.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    value: T
    source: str
    path: str | None = None
    key: str | None = None
    shadowed: tuple[Shadowed, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # `Setting[str]` is made by pydantic and has no name that pickle could find it under.
        return _restored, (_without_secrets(dict(self)),)


def _restored(fields: dict[str, Any]) -> Setting[Any]:
    return Setting.model_construct(**fields)
