"""What is sent to the server and what it answers, as frozen models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from axonlog._run_fields import ConditionFields, RunFields


class _Answer(BaseModel):
    """An answer of a server that may be newer than we are.

    What is unknown is ignored. A field that has another type than it used to is None rather than
    an error, unless the answer is worthless without it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="wrap")
    @classmethod
    def _forgive(cls, value: object, parse: Callable[[object], Any], info: Any) -> Any:
        try:
            return parse(value)
        except ValidationError:
            field = cls.model_fields[info.field_name]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


class StatusCondition(_Answer, ConditionFields):
    """One entry of a run's history of statuses."""

    type: str
    status: bool = True


class RunData(_Answer, RunFields):
    """A run as the server knows it. Times are aware; durations are in seconds."""

    uuid: str = Field(min_length=32)
    status_conditions: tuple[StatusCondition, ...] = ()
    tags: tuple[str, ...] | None = None
    updated_at: datetime | None = None

    @field_validator("uuid", mode="after")
    @classmethod
    def _without_dashes(cls, value: str) -> str:
        return value.replace("-", "").lower()


class RunStatuses(_Answer):
    """The status of a run now, and its history, oldest first."""

    status: str
    status_conditions: tuple[StatusCondition, ...] = ()


class RunPage(_Answer):
    """One page of a list of runs; ``count`` is that of all pages."""

    results: tuple[RunData, ...]
    count: int | None = None
    next: str | None = None
    previous: str | None = None


class Lineage(_Answer):
    """What ties an artifact to its run. ``path`` is relative to the run's directory."""

    name: str
    kind: str
    path: str | None = None
    summary: dict[str, Any] = Field(default_factory=dict)  # Any: free JSON, by kind
    is_input: bool = False


class LineagePage(_Answer):
    """One page of a run's lineage."""

    results: tuple[Lineage, ...]
    next: str | None = None


class ArtifactTree(_Answer):
    """One directory of a run on the server: sizes of its files in bytes, names of its folders.

    A directory that is not there is empty and has the server's words in ``error``. The server
    words other failures of its store in the same way: before anything is overwritten because it
    "is not there", ask ``is_missing``.
    """

    files: dict[str, int]
    dirs: tuple[str, ...]
    error: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the server says that there is no such directory, and not some other failure.

        A store on a disk says so in words; stores in a cloud name nothing but the path.
        """
        words = (self.error or "").partition(". Error ")[2]
        return "No such file or directory" in words or ("/" in words and " " not in words)


class EventSeries(_Answer):
    """All rows of one event file, by column; NaN and infinities have become None."""

    name: str
    kind: str | None = None
    # A dict of columns when asked for as "dict", the file's text when asked for as "csv".
    data: Any = None


class EventSeriesList(_Answer):
    """The answer to a request for events."""

    data: tuple[EventSeries, ...]


class ProjectData(_Answer):
    """A project as the server knows it."""

    uuid: str
    name: str
    description: str | None = None
    tags: tuple[str, ...] | None = None
    readme: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
