"""The command where the extra ``cli`` is not installed: the context, and how to get the rest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from axonlog.errors import AxonlogError

from ._context import CONTEXT_OPTIONS, DESCRIPTION, SUMMARY, explain
from ._exit_codes import DONE, EXPLAINED, WRONG

_ELSEWHERE = ("ls", "sync")
_INSTALL = "pip install 'axonlog[cli]'"


def run(arguments: Sequence[str]) -> int:
    """Run one command; see ``main``."""
    command = next((word for word in arguments if not word.startswith("-")), None)
    if command in _ELSEWHERE:
        sys.stderr.write(f"`axonlog {command}` needs click and rich: {_INSTALL}\n")
        return WRONG
    try:
        given = vars(_parser().parse_args(arguments))
    except SystemExit as end:  # argparse has said why
        return end.code if isinstance(end.code, int) else WRONG
    return _tell_context(given)


def _tell_context(given: dict[str, Any]) -> int:
    del given["command"]
    try:
        sys.stdout.write(f"{explain(**given)}\n")
    except AxonlogError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="axonlog",
        description="Track training runs in Polyaxon.",
        epilog=f"`axonlog ls` and `axonlog sync` need click and rich: {_INSTALL}\n\n{EXPLAINED}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", title="commands", required=True, metavar="COMMAND"
    )
    context = commands.add_parser("context", help=SUMMARY, description=DESCRIPTION)
    for option in CONTEXT_OPTIONS:
        if option.is_switch:
            context.add_argument(
                f"--{option.flag}",
                dest=option.argument,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=option.help,
            )
        else:
            context.add_argument(f"--{option.flag}", help=option.help)
    context.add_argument("--json", dest="as_json", action="store_true", help="Print JSON.")
    return parser
