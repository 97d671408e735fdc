"""The answer of the resolver: settings, each with the source that gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, SecretStr

from axonlog.context._setting import NoSecretsInPickles, Setting

if TYPE_CHECKING:
    from axonlog.context._explain import Explanation


class Connection(NoSecretsInPickles):
    """Everything that is needed to talk to a server.

    ``timeout_s`` is for a whole request; None waits for ever. ``header`` is sent with the value
    ``header_service`` when both are set. A pickled copy has no token.
    """

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
    """Where a run belongs and how it is tracked, resolved once and never changed.

    ``is_new`` means that this run has to be created (offline: written for the first time); a run
    that is resumed has ``is_new.value`` False. ``timeout.value`` is in seconds, 0 means no limit.
    ``store_path.source`` is "default" when no connection of the catalog names another store.
    ``warnings`` are for the log at once, ``notices`` only for those who ask (``log_context``).
    Under ``no_op`` nothing else is resolved, and nothing else means anything. A pickled copy has no
    token, in ``token`` as in ``connection``.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

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
    in_cluster: Setting[bool]
    debug: Setting[bool]
    artifacts_path: Setting[str | None]
    outputs_path: Setting[str | None]
    store_path: Setting[str | None]
    collect_artifacts: Setting[bool]
    collect_resources: Setting[bool]
    has_process_sidecar: Setting[bool]
    track_code: Setting[bool]
    track_env: Setting[bool]
    track_logs: Setting[bool]
    refresh_data: Setting[bool]
    strict: Setting[bool]
    log_context: Setting[bool]
    timeout: Setting[float | None]
    verify_ssl: Setting[bool]
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    connection: Connection

    def __repr__(self) -> str:
        if self.no_op.value:
            return "<Context no-op>"
        place = f"{self.owner.value}/{self.project.value}"
        where = f"at {self.host.value} (host: {self.host.source})"
        if self.is_offline.value:
            where = f"offline (is_offline: {self.is_offline.source})"
        return f"<Context {place} run {(self.run_uuid.value or '')[:8]} {where}>"

    # Pydantic's has every field: a screenful. `explain()` is for reading.
    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self.explain()._repr_html_()

    @classmethod
    def setting_type(cls, field: str) -> type[Setting[Any]]:
        """The model of one setting."""
        kind: Any = cls.model_fields[field].annotation  # the class that its annotation names
        return cast("type[Setting[Any]]", kind)

    def explain(self) -> Explanation:
        """Tell every setting with its source and what it overrode; secrets stay hidden.

        Returns:
            Rows to iterate over; ``str()`` is a table for a terminal, a notebook shows HTML.
        """
        # Imported here: a resolved context travels to workers that never explain it.
        from axonlog.context._explain import explain

        return explain(self, self.warnings)
