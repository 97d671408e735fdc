"""How a user's code sees the context; checked by a type checker, never run."""

from pathlib import Path

from pydantic import SecretStr
from typing_extensions import assert_type

from axonlog.context import ClientConfig, Connection, Context, resolve, resolve_connection

context = resolve(
    "acme", "digits", artifacts_path=Path("out"), tags=["a"], collect_artifacts="yes", config={}
)
assert_type(context, Context)
assert_type(context.host.value, str)
assert_type(context.token.value, SecretStr | None)
assert_type(context.project.value, str | None)
assert_type(context.is_new.value, bool)
assert_type(context.tags.value, tuple[str, ...])
assert_type(context.timeout.value, float | None)
assert_type(context.warnings, tuple[str, ...])
assert_type([row.field for row in context.explain()], list[str])
assert_type(resolve_connection(ClientConfig(host="http://h", timeout=3), "t"), Connection)
