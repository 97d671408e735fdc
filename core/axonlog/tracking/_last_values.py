"""Metrics of a run that records no events: their last values."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from axonlog.errors import EventError
from axonlog.events import check_name, to_metric_value, to_step, to_timestamp

from ._recorder import Recorder

_log = logging.getLogger("axonlog")


class LastValues:
    """Takes what the journal would take, and keeps the last value of each metric as an output."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._is_reported = False

    def append(self, values: Mapping[str, Any], step: Any, timestamp: Any) -> None:
        """Keep numbers of one moment.

        Raises:
            EventError: Some are not acceptable. The others are kept.
        """
        if not self._recorder.accepts_records():
            return
        to_step(step)
        if timestamp is not None:
            to_timestamp(timestamp)
        numbers, refused = {}, []
        for name, value in values.items():
            try:
                numbers[check_name(name)] = to_metric_value(value)
            except EventError as error:
                refused.append(f"{name!r}: {error}")
        if numbers and not self._is_reported:
            self._is_reported = True
            setting = self._recorder.context.collect_artifacts
            _log.warning(
                "run %s: collect_artifacts is off (from %s): metrics are recorded without their "
                "curves; the last value of each is kept among the run's outputs",
                self._recorder.context.run_uuid.value,
                setting.key or setting.source,
            )
        self._recorder.store.keep_last_values(numbers)
        if refused:
            raise EventError("; ".join(refused))

    def append_one(self, name: str, value: Any, step: Any, timestamp: Any) -> None:
        """As ``append`` for one number."""
        self.append({name: value}, step, timestamp)
