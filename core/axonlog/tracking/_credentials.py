"""Notice that the credentials of a run have changed while it goes on."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from axonlog.client import ClientConfig, PolyaxonClient, RunClient
from axonlog.context import Connection, Context, resolve_connection
from axonlog.errors import AxonlogError
from axonlog.store import FileSignature

# What was given in code is for the code to change; it stays as it is while the process lives.
_GIVEN_IN_CODE = frozenset({"argument", "client", "trainer config"})


class Credentials:
    """The token of a run, and the place that it came from.

    Tokens are renewed from outside: by a login on the command line, which writes a file, or by
    the cluster, which replaces a mounted one.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = context.connection
        self._path = None if context.token.path is None else Path(context.token.path)
        self._signature = self._file_signature()

    def renewed_client(self) -> RunClient | None:
        """A client to try again with: there is another token, or its file was written anew."""
        connection = self._resolve()
        signature = self._file_signature()
        is_touched, self._signature = signature != self._signature, signature
        if connection is None and not is_touched:
            return None
        self._connection = connection or self._connection
        context = self._context
        return RunClient(
            context.owner.value,
            context.project.value,
            context.run_uuid.value,
            PolyaxonClient.from_connection(self._connection),
        )

    def _resolve(self) -> Connection | None:
        """The connection with another token for the same server, or None."""
        if self._context.token.source in _GIVEN_IN_CODE:
            return None
        host = self._connection.host
        # A host that was given in code has to be given again: nothing else knows of it.
        is_given = self._context.host.source in _GIVEN_IN_CODE
        try:
            found = resolve_connection(ClientConfig(host=host) if is_given else None)
        except AxonlogError:
            return None  # a file that is just being written
        if found.host != host or found.token is None or _same(found.token, self._connection.token):
            return None
        return self._connection.model_copy(update={"token": found.token})

    def _file_signature(self) -> FileSignature | None:
        if self._path is None:
            return None
        try:
            return FileSignature.of(self._path)
        except OSError:
            return None


def _same(one: SecretStr, other: SecretStr | None) -> bool:
    return other is not None and one.get_secret_value() == other.get_secret_value()
