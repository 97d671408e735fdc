"""Ask the sources of a setting in the order that its declaration gives: the first answer wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from axonlog.context._options import PRECEDENCE, SETTINGS
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._setting import Setting, Shadowed
from axonlog.context._sources import Source
from axonlog.errors import AxonlogError

Sources = Mapping[SourceId, Source]
_DECLARED = object()


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
    fallback: object = _DECLARED,
    among: Iterable[SourceId] | None = None,
) -> Decision:
    """Ask the sources of ``field`` in order, or only those ``among`` them.

    Where none answers, the value is ``fallback``, else the declared default.

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
        return default(SETTINGS[field].default if fallback is _DECLARED else fallback)
    return Decision(found[0], tuple(found[1:]))
