"""Where a value came from, and how to complain about it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from axonlog.errors import ArgumentTypeError, CacheError, ContextError

SourceName = Literal[
    "argument",
    "trainer config",
    "client",
    "run directory",
    "in-cluster",
    "environment",
    "local cache",
    "global cache",
    "shared cache",
    "default",
    "generated",
]

# The objects that are asked. Several of them may be shown to a person under one `SourceName`.
SourceId = Literal[
    "argument",
    "trainer",
    "client",
    "document",
    "instance",
    "mounted_auth",
    "environment",
    "local_project",
    "global_project",
    "local_run",
    "global_run",
    "user",
    "client_file",
    "shared_client_file",
    "auth_file",
    "shared_auth_file",
]

_IN_PYTHON = ("argument", "client", "trainer config")
_CACHES = ("run directory", "in-cluster", "local cache", "global cache", "shared cache")


@dataclass(frozen=True)
class Origin:
    """A place that can be shown to a person: the source, the file, the key or variable."""

    source: SourceName
    key: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return self.path if self.key is None else f"{self.key} in {self.path}"
        if self.key is None:
            return f"the {self.source}"
        if self.source == "argument":
            return f"{self.key}="
        if self.source in ("environment", "in-cluster"):
            return self.key
        return f"{self.key} of the {self.source}"

    def refuse(self, problem: str) -> ContextError:
        """The error for a value that stands here and cannot be used."""
        if self.path is not None and self.source in _CACHES:
            return CacheError(f"{self} ({self.source}): {problem}", path=self.path)
        return ContextError(f"{self}: {problem}")

    def refuse_type(self, problem: str) -> ContextError:
        """The error for a value of a wrong type; a TypeError where a caller made it."""
        if self.path is None and self.source in _IN_PYTHON:
            return ArgumentTypeError(f"{self}: {problem}")
        return self.refuse(problem)


@dataclass(frozen=True)
class Answer:
    """What one source says about one field."""

    value: object
    origin: Origin
