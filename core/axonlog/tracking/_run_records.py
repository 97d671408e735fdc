"""What a run says of itself: inputs, outputs, tags, status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast, get_args

from axonlog.errors import ArgumentTypeError, EventError
from axonlog.events import Status, clean_name

from ._arguments import not_a_mapping, text_of
from ._artifacts import digest_of_value
from ._recorder import DEFAULT_REASON
from ._run_base import RunBase, recording


class RunRecords(RunBase):
    """The part of a run that writes its document."""

    @recording
    def log_inputs(
        self,
        inputs: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set inputs, the values fixed before training.

        Args:
            inputs: Names and values of any type. A bool in this place is ``reset``, as in the
                original.
            async_req: Accepted for compatibility; nothing here waits for the server.
            reset: Take the other inputs away.
            **values: Further names and values.
        """
        self._merge("inputs", inputs, values, reset=reset)

    @recording
    def log_outputs(
        self,
        outputs: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set outputs, the results known at the end; arguments as for ``log_inputs``."""
        self._merge("outputs", outputs, values, reset=reset)

    @recording
    def log_meta(
        self,
        meta: Mapping[str, Any] | bool | None = None,
        /,
        async_req: bool = True,
        *,
        reset: bool = False,
        **values: Any,
    ) -> None:
        """Set meta information; arguments as for ``log_inputs``."""
        self._merge("meta_info", meta, values, reset=reset)

    @recording
    def log_tags(
        self, tags: str | Sequence[str], reset: bool = False, async_req: bool = True
    ) -> None:
        """Add tags; a string may hold several, separated by commas.

        Args:
            tags: What to add; those that are there already stay as they are.
            reset: Take the other tags away.
            async_req: Accepted for compatibility; nothing here waits for the server.
        """
        if isinstance(tags, (bytes, Mapping)) or not isinstance(tags, Iterable):
            raise EventError(f"tags must be text or a list of texts, not {tags!r:.60}")
        given = tags.split(",") if isinstance(tags, str) else [str(tag) for tag in tags]
        cleaned = [tag.strip() for tag in given if tag.strip()]
        if cleaned or reset:
            with self._open.tolerating_disk_failure():
                self._open.store.document.add_tags(cleaned, reset=reset)

    @recording
    def log_progress(self, value: float) -> None:
        """Tell how far the run is, from 0 to 1.

        Raises:
            ArgumentTypeError: Not a number; also a ``TypeError``.
            EventError: Outside that range; also a ``ValueError``.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ArgumentTypeError(f"progress must be a number from 0 to 1, not {value!r}")
        if not 0 <= value <= 1:
            raise EventError(f"progress must be from 0 to 1, not {value!r}")
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge("meta_info", {"progress": value}, deferred=True)

    @recording
    def set_name(self, name: str, async_req: bool = True) -> None:
        """Replace the name; ``async_req`` is accepted for compatibility."""
        self._set_text("name", name)

    @recording
    def set_description(self, description: str, async_req: bool = True) -> None:
        """Replace the description; ``async_req`` is accepted for compatibility."""
        self._set_text("description", description)

    @recording
    def set_readme(self, readme: str, async_req: bool = True) -> None:
        """Replace the readme, in Markdown; ``async_req`` is accepted for compatibility."""
        self._set_text("readme", readme)

    @recording
    def log_status(
        self,
        status: Status,
        reason: str | None = None,
        message: str | None = None,
        last_transition_time: datetime | None = None,
        last_update_time: datetime | None = None,
    ) -> None:
        """Enter a status into the run's history; this alone does not end the run.

        Raises:
            EventError: Polyaxon has no such status.
        """
        if status not in get_args(Status):
            known = ", ".join(get_args(Status))
            raise EventError(f"no such status: {status!r}; Polyaxon knows {known}")
        status = cast("Status", text_of(status))
        with self._open.tolerating_disk_failure():
            self._open.store.document.add_condition(
                status,
                reason=reason or DEFAULT_REASON,
                message=message,
                updated=last_update_time,
                changed=last_transition_time,
            )

    def _merge(
        self,
        field: Literal["inputs", "outputs", "meta_info"],
        given: Mapping[str, Any] | bool | None,
        values: Mapping[str, Any],
        *,
        reset: bool,
    ) -> None:
        if isinstance(given, Mapping):
            values = {**given, **values}
        elif isinstance(given, bool):
            reset = given
        elif given is not None:
            # Taken for `reset`, as anything true once was, it would take the other values away.
            function = "log_meta" if field == "meta_info" else f"log_{field}"
            raise not_a_mapping(function, given)
        named, refused = _named(values) if field != "meta_info" else (values, [])
        with self._open.tolerating_disk_failure():
            self._open.store.document.merge(field, named, reset=reset)
        if refused:
            raise EventError("; ".join(refused))

    def _set_text(self, field: Literal["name", "description", "readme"], value: str) -> None:
        with self._open.tolerating_disk_failure():
            self._open.store.document.set_field(field, value)


def _named(values: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values under names that Polyaxon takes, no two under one, and what has no name."""
    named: dict[str, Any] = {}
    refused = []
    for key, value in values.items():
        try:
            name = clean_name(str(key))
        except EventError as error:
            refused.append(str(error))
            continue
        # Two names may clean to one; the later one is told apart by its digest.
        named[f"{name}-{digest_of_value(key)[:6]}" if name in named else name] = value
    return named, refused
