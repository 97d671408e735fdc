"""Decide what a run collects."""

from __future__ import annotations

from dataclasses import dataclass

from axonlog.context._origin import Answer
from axonlog.context._precedence import Decision, Sources, decide


@dataclass(frozen=True)
class Collecting:
    """Whether event files are kept, machine figures sampled, and by whom they are sent."""

    artifacts: Decision
    resources: Decision
    has_process_sidecar: Decision


def decide_collecting(sources: Sources, *, is_new: bool, is_offline: bool) -> Collecting:
    """Decide what is collected.

    Every run collects its events unless somebody says no, a resumed one too: what a log call was
    given must not be dropped in silence.

    Raises:
        ContextError: An argument or a variable is neither true nor false.
    """
    sidecar = decide("has_process_sidecar", sources)
    ours = is_new or is_offline or bool(sidecar.value)
    artifacts = decide("collect_artifacts", sources)
    resources = decide("collect_resources", sources, fallback=ours)
    if resources.value and not artifacts.value:
        # Figures are events: there is nowhere to keep them.
        lost = () if resources.origin.source == "default" else (resources.answer,)
        resources = Decision(Answer(False, artifacts.origin), (*lost, *resources.shadowed))
    return Collecting(artifacts, resources, sidecar)
