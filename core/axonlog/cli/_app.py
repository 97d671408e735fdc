"""The command line: what can be asked, and in which words."""

from __future__ import annotations

import argparse
import inspect
import json
import shutil
import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from axonlog._version import __version__
from axonlog.catalog import (
    Overrides,
    RunView,
    SyncOutcome,
    pick_runs,
    run_roots,
    runs_below,
    runs_to_send_again,
    send_runs,
    view_run,
)
from axonlog.errors import AxonlogError, ContextError

from ._bars import watch_for
from ._context import CONTEXT_OPTIONS, DESCRIPTION, SUMMARY, explain
from ._exit_codes import DONE, EXPLAINED, INTERRUPTED, PENDING, WRONG, exit_code_of
from ._format import count
from ._presentation import outcome_line, remarks, runs_table
from ._terminal import Screen

_BEGINNING = datetime.min.replace(tzinfo=timezone.utc)
_WIDEST = 100
_OUT, _ERR = Screen(), Screen(is_error=True)


def run(arguments: Sequence[str]) -> int:
    """Run one command; see ``main``."""
    try:
        given = vars(_parsed(arguments))
        command = given.pop("run_command")
        result: int = command(**given)
    except SystemExit as end:  # argparse has said why
        return end.code if isinstance(end.code, int) else WRONG
    except KeyboardInterrupt:
        _ERR.write("\ninterrupted; what has been sent is noted, and is not sent again")
        return INTERRUPTED
    except (AxonlogError, OSError) as error:
        _ERR.write(str(error))
        return WRONG
    return result


def list_runs(*, root: Path | None, as_json: bool) -> int:
    """Show the runs on this machine, the newest first.

    STATUS is the run's own, or "lost": its process died without an ending. Such a run is completed
    from its journal first. A "copy" was made of a run that was going on: how that ended is known
    where it was started. TO SEND is what its server did not have at the last delivery; only
    `axonlog sync --all` asks the servers.
    """
    roots = run_roots(root)
    runs = _view_all(runs_below(roots))
    if as_json:
        _print_json({"runs": [run.to_dict() for run in runs]})
        return DONE
    if not runs:
        _ERR.write(f"no runs in {_places(roots)}; pass --root for another place")
        return DONE
    _OUT.write(runs_table(runs, _OUT))
    for line in remarks(runs, _ERR):
        _ERR.write(line)
    unsent = sum(1 for run in runs if run.has_pending)
    if unsent and _OUT.is_terminal:
        _OUT.write(f"\n{count(unsent, 'run')} to send: axonlog sync --all")
    return DONE


def sync(
    *,
    runs: Sequence[str],
    everything: bool,
    trust_ledger: bool,
    root: Path | None,
    wait_s: float | None,
    as_json: bool,
    **place: str | None,
) -> int:
    """Send runs to their server: what it does not have yet, and nothing twice.

    RUN is a uuid, the beginning of one, or the directory of a run. A run goes where it was sent
    before, else to the owner and project of its document on the host of `axonlog context`; the
    token is that of the context. Any number of times, also while the run goes on. With --all the
    servers are asked, too, whether they still have what was delivered to them.
    """
    overrides = Overrides(**place)
    chosen, unchecked = _choose(
        runs, root, overrides, everything=everything, trust_ledger=trust_ledger
    )
    for sentence in unchecked:
        _ERR.write(sentence)
    if not chosen:
        if as_json:
            _print_json({"runs": []})
        elif not unchecked:
            _ERR.write("nothing to send")
        return PENDING if unchecked else DONE
    watch = watch_for(_ERR)
    outcomes: list[SyncOutcome] = []
    told: set[str | None] = set()
    for outcome in send_runs(chosen, overrides, wait_s=wait_s, watch=watch):
        outcomes.append(outcome)
        if not as_json:
            is_news = outcome.failure not in told
            told.add(outcome.failure)
            _OUT.write(outcome_line(outcome, _OUT, with_failure=is_news))
    if as_json:
        _print_json({"runs": [outcome.to_dict() for outcome in outcomes]})
    return max(_exit_code(outcomes), PENDING if unchecked else DONE)


def explain_context(*, as_json: bool, **given: Any) -> int:  # the arguments of resolve, by name
    """See ``_context.DESCRIPTION``."""
    _OUT.write(explain(as_json=as_json, **given))
    return DONE


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; options and runs may stand in any order.

    Raises:
        SystemExit: It is wrong, or asks for help.
    """
    parser = _parser()
    if not arguments:
        parser.print_help(_ERR.stream)
        parser.exit(WRONG)
    given, rest = parser.parse_known_args(arguments)
    # `sync RUN --all RUN`: argparse takes a list of words from one place only.
    unknown = [word for word in rest if word.startswith("-") or "runs" not in given]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if rest:
        given.runs += rest
    return given


def _parser() -> argparse.ArgumentParser:
    shape: dict[str, Any] = {  # of every parser
        "epilog": EXPLAINED,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }
    parser = argparse.ArgumentParser(
        prog="axonlog",
        description="Track training runs in Polyaxon: what is here, what is there, and why.",
        **shape,
    )
    parser.add_argument("--version", action="version", version=f"axonlog {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    ls = commands.add_parser(
        "ls", help="Show the runs on this machine.", description=_described(list_runs), **shape
    )
    ls.set_defaults(run_command=list_runs)
    _add_root(ls)
    _add_json(ls)
    sync_ = commands.add_parser(
        "sync", help="Send runs to their server.", description=_described(sync), **shape
    )
    sync_.set_defaults(run_command=sync)
    sync_.add_argument("runs", nargs="*", metavar="RUN", help="A uuid or a directory; see above.")
    sync_.add_argument(
        "--all",
        dest="everything",
        action="store_true",
        help="Send every run that has something to send.",
    )
    sync_.add_argument(
        "--trust-ledger",
        action="store_true",
        help="With --all: do not ask the servers whether they still have what was delivered.",
    )
    _add_root(sync_)
    sync_.add_argument("--host", help="Send to this server.")
    sync_.add_argument("--owner", help="Send to this user or organization.")
    sync_.add_argument("--project", help="Send to this project, or owner/project.")
    sync_.add_argument(
        "--wait",
        dest="wait_s",
        type=_seconds,
        metavar="SECONDS",
        help="Give up after so long.  [default: after half a minute without progress]",
    )
    _add_json(sync_)
    context = commands.add_parser("context", help=SUMMARY, description=DESCRIPTION, **shape)
    context.set_defaults(run_command=explain_context)
    for option in CONTEXT_OPTIONS:
        how: dict[str, Any] = {"dest": option.argument, "default": None, "help": option.help}
        if option.is_switch:
            how["action"] = argparse.BooleanOptionalAction
        context.add_argument(f"--{option.flag}", **how)
    _add_json(context)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="The folder that holds the runs.  [default: where a run that starts here is kept]",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="Print JSON.")


def _described(command: Callable[..., int]) -> str:
    """What the function's docstring says, in lines that fit."""
    width = min(_WIDEST, shutil.get_terminal_size().columns - 2)
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(textwrap.fill(text, max(20, width)) for text in paragraphs)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:  # nan too
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds


def _choose(
    meant: Sequence[str],
    root: Path | None,
    overrides: Overrides,
    *,
    everything: bool,
    trust_ledger: bool,
) -> tuple[list[RunView], list[str]]:
    """The runs to send, and what could not be found out about others."""
    if trust_ledger and not everything:
        raise ContextError("--trust-ledger goes with --all")
    roots = run_roots(root)
    if everything:
        if meant:
            raise ContextError("name runs or pass --all, not both")
        found = _view_all(runs_below(roots))
        if trust_ledger:
            return [run for run in found if _needs_sync(run)], []
        delivered = [run for run in found if run.is_readable and not run.has_pending]
        lost, failures = runs_to_send_again(delivered, overrides)
        unchecked = [
            f"{count(number, 'run')} delivered before could not be checked: {error}; "
            "--trust-ledger does not ask"
            for error, number in failures.items()
        ]
        return [run for run in found if _needs_sync(run) or run.path in lost], unchecked
    if not meant:
        unsent = sum(1 for run in _view_all(runs_below(roots)) if run.has_pending)
        raise ContextError(
            f"which run? Name some, or pass --all ({count(unsent, 'run')} to send in "
            f"{_places(roots)}; `axonlog ls` shows them)"
        )
    return [view_run(path) for path in pick_runs(meant, roots)], []


def _needs_sync(run: RunView) -> bool:
    # What an unreadable run has to send is unknown: sending it reports why it cannot be sent.
    return run.has_pending or not run.is_readable


def _view_all(paths: Sequence[Path]) -> list[RunView]:
    """The newest first."""
    runs = [view_run(path) for path in paths]
    return sorted(runs, key=lambda run: (run.created_at or _BEGINNING, run.run_uuid), reverse=True)


def _exit_code(outcomes: Sequence[SyncOutcome]) -> int:
    # What is wrong outweighs what is pending: it will not get better by itself.
    return max(map(exit_code_of, outcomes), default=DONE)


def _places(roots: Sequence[Path]) -> str:
    return ", ".join(map(str, roots))


def _print_json(document: dict[str, Any]) -> None:
    # Escaped: a path may hold bytes that no encoding of the output has.
    _OUT.write(json.dumps(document, indent=2))
