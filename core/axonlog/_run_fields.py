"""The fields of a run, as its document on disk and the server's answers have them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment


# Others write moments without a zone: they mean UTC.
Moment = Annotated[datetime, AfterValidator(_in_utc)]


class ConditionFields(BaseModel):
    """What every entry of a run's status history has."""

    model_config = ConfigDict(defer_build=True)

    reason: str | None = None
    message: str | None = None
    last_update_time: Moment | None = None
    last_transition_time: Moment | None = None


class RunFields(BaseModel):
    """What the run document and the server's run have in common; durations are in seconds."""

    model_config = ConfigDict(defer_build=True)

    owner: str | None = None
    project: str | None = None
    name: str | None = None
    description: str | None = None
    readme: str | None = None
    kind: str | None = None
    runtime: str | None = None
    status: str | None = None
    # Any below: these hold what users logged.
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    meta_info: dict[str, Any] | None = None
    is_managed: bool | None = None
    managed_by: str | None = None
    created_at: Moment | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    wait_time: float | None = None
    duration: float | None = None
