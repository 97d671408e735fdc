"""``axonlog context``: where a run would go, and why."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from axonlog.context import resolve

SUMMARY = "Tell where a run would go, and why."

DESCRIPTION = (
    "Tell where a run that starts here would go: every setting, the source it comes from and "
    "the sources it overrides. Asks no server and writes nothing."
)


@dataclass(frozen=True)
class ContextOption:
    """One option, called as an argument of ``resolve``; a switch goes without its ``is_``."""

    name: str
    help: str
    is_switch: bool = False

    @property
    def flag(self) -> str:
        """As it is written on the command line, without the dashes."""
        return self.name.replace("_", "-")

    @property
    def argument(self) -> str:
        """The argument of ``resolve``."""
        return f"is_{self.name}" if self.is_switch else self.name


CONTEXT_OPTIONS = (
    ContextOption("owner", "The user or organization."),
    ContextOption("project", "Project, owner/project or owner/team/project."),
    ContextOption("run_uuid", "The run to resume."),
    ContextOption("name", "The run's name."),
    ContextOption("artifacts_path", "The run's directory."),
    ContextOption("config", "The trainer's configuration, a YAML or JSON file."),
    ContextOption("offline", "Ask no server.", is_switch=True),
    ContextOption("new", "Create a run.", is_switch=True),
)


def explain(*, as_json: bool, **given: Any) -> str:  # the arguments of resolve, by name
    """The table of the context, or its JSON, in characters that the output can show.

    Raises:
        ContextError: It cannot be resolved.
        AuthenticationError: Nobody is logged in where somebody must be.
    """
    explanation = resolve(**given).explain()
    return explanation.to_json() if as_json else _showable(str(explanation))


def _showable(text: str) -> str:
    """``text`` with the code of a character in place of one that the output cannot hold."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, errors="backslashreplace").decode(encoding)
