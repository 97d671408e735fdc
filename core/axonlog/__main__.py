"""``python -m axonlog``: questions that are answered without a server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from axonlog.context import resolve
from axonlog.errors import AxonlogError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program; that of this process if left out.

    Returns:
        The exit code: 0, or 2 when the command could not be carried out.
    """
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    command = given.pop("command")
    try:
        output = command(**given)
    except AxonlogError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{output}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="axonlog", description="Track training runs in Polyaxon.")
    commands = parser.add_subparsers(title="commands", required=True)
    _add_context(commands.add_parser("context", help="tell where a run would go, and why"))
    return parser


def _add_context(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Tell where a run that starts here would go: every setting, the source it comes from and "
        "the sources it overrides. Asks no server and writes nothing."
    )
    parser.add_argument("--owner", help="the user or organization")
    parser.add_argument("--project", help="project, owner/project or owner/team/project")
    parser.add_argument("--run-uuid", help="the run to resume")
    parser.add_argument("--name", help="the run's name")
    parser.add_argument("--artifacts-path", help="the run's directory")
    parser.add_argument("--config", help="the trainer's configuration, a YAML or JSON file")
    for flag, help_text in (("offline", "ask no server"), ("new", "create a run")):
        parser.add_argument(
            f"--{flag}",
            dest=f"is_{flag}",
            action=argparse.BooleanOptionalAction,
            default=None,
            help=help_text,
        )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    parser.set_defaults(command=_context)


def _context(*, as_json: bool, **given: Any) -> str:  # the arguments of resolve, by name
    explanation = resolve(**given).explain()
    return explanation.to_json() if as_json else str(explanation)


if __name__ == "__main__":
    sys.exit(main())
