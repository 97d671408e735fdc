"""Who is asked for what, in which order: the first that answers wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from axonlog.context._model import Setting, Shadowed
from axonlog.context._origin import Answer, Origin
from axonlog.context._sources import Source
from axonlog.errors import AxonlogError

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
Sources = Mapping[SourceId, Source]

# Explicit: what somebody wrote for this very run.
EXPLICIT: tuple[SourceId, ...] = ("argument", "trainer", "client")
_CLIENT_FILES: tuple[SourceId, ...] = ("client_file", "shared_client_file")
_AMBIENT: tuple[SourceId, ...] = ("environment", *_CLIENT_FILES)
_CALL: tuple[SourceId, ...] = ("argument", "trainer")
_CLIENT: tuple[SourceId, ...] = ("client", *_AMBIENT)

PRECEDENCE: Mapping[str, tuple[SourceId, ...]] = {
    "host": ("trainer", *_CLIENT),
    # A token in a `.client` file is a setting of the client itself; then the most specific login.
    "token": (
        "client",
        *_CLIENT_FILES,
        "mounted_auth",
        "environment",
        "auth_file",
        "shared_auth_file",
    ),
    "authentication_type": _CLIENT,
    "timeout": ("trainer", *_CLIENT),
    "verify_ssl": ("trainer", *_CLIENT),
    "ssl_ca_cert": _CLIENT,
    "cert_file": _CLIENT,
    "key_file": _CLIENT,
    "assert_hostname": _CLIENT,
    "connection_pool_maxsize": _CLIENT,
    "retries": _CLIENT,
    "header": _CLIENT,
    "header_service": _CLIENT,
    "debug": _CLIENT,
    "in_cluster": _CLIENT,
    # Whether Polyaxon started this process is a fact about the process, not about a client.
    "is_managed": _AMBIENT,
    "is_offline": (*_CALL, *_CLIENT),
    "no_op": (*_CALL, *_CLIENT),
    # A run that is on disk has its place; in a managed run what the image holds is stale.
    "project": ("document", *EXPLICIT, "instance", "local_project", "global_project"),
    "owner": ("document", *EXPLICIT, "instance", "local_project", "global_project", "user"),
    # A run in a directory that the caller gave is continued there.
    "run_uuid": (*EXPLICIT, "document", "instance", "local_run", "global_run"),
    "is_new": _CALL,
    "name": _CALL,
    "description": _CALL,
    "tags": _CALL,
    "artifacts_path": _CALL,
    "collect_artifacts": (*_CALL, "environment"),
    "collect_resources": (*_CALL, "environment"),
    "has_process_sidecar": ("environment",),
    "track_code": _CALL,
    "track_env": _CALL,
    "track_logs": _CALL,
    "refresh_data": _CALL,
    "strict": _CALL,
    "log_context": _CALL,
}


@dataclass(frozen=True)
class Decision:
    """The answer that won, and the ones it overrode, the strongest first."""

    answer: Answer
    shadowed: tuple[Answer, ...] = ()

    @property
    def value(self) -> Any:  # the field's reader has checked its type
        """The value that won."""
        return self.answer.value

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return self.answer.origin

    def setting(self, kind: type[Setting[Any]]) -> Setting[Any]:
        """The decision in the form a user sees."""
        return kind.model_construct(
            value=self.answer.value,
            source=self.origin.source,
            path=self.origin.path,
            key=self.origin.key,
            shadowed=tuple(
                Shadowed.model_construct(
                    value=lost.value,
                    source=lost.origin.source,
                    path=lost.origin.path,
                    key=lost.origin.key,
                )
                for lost in self.shadowed
            ),
        )


def default(value: object) -> Decision:
    """A decision that nobody asked for."""
    return Decision(Answer(value, Origin("default")))


def decide(
    field: str,
    sources: Sources,
    *,
    fallback: object = None,
    among: Iterable[SourceId] | None = None,
) -> Decision:
    """Ask the sources of ``field`` in order, or only those ``among`` them.

    Raises:
        AxonlogError: A source that is reached says something that makes no sense. One that would
            have lost anyway cannot fail: it is left out of ``shadowed``.
    """
    order = PRECEDENCE[field] if among is None else [s for s in PRECEDENCE[field] if s in among]
    found: list[Answer] = []
    for name in order:
        try:
            answer = sources[name].answer(field)
        except AxonlogError:
            if not found:
                raise
            continue
        if answer is not None:
            found.append(answer)
    if not found:
        return default(fallback)
    return Decision(found[0], tuple(found[1:]))
