"""The command line: what can be asked, and in which words."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from axonlog._version import __version__
from axonlog.errors import AxonlogError

from ._checking import runs_to_send_again
from ._context import CONTEXT_OPTIONS, DESCRIPTION, SUMMARY, explain
from ._destination import Overrides
from ._exit_codes import DONE, EXPLAINED, INTERRUPTED, PENDING, WRONG
from ._finding import pick_runs, run_roots, runs_below
from ._sending import Outcome, Watch, send_runs
from ._terminal import Bars, console, journal_lines, nobody_watches, outcome_line, runs_table
from ._view import RunView, view_run
from ._words import count

# The mark keeps click from making one paragraph of it.
_EPILOG = f"\b\n{EXPLAINED}"
_BEGINNING = datetime.min.replace(tzinfo=timezone.utc)

_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that holds the runs.  [default: where a run that starts here is kept]",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run(arguments: Sequence[str]) -> int:
    """Run one command; see ``main``."""
    try:
        result = axonlog.main(list(arguments), prog_name="axonlog", standalone_mode=False)
    except click.Abort:
        sys.stderr.write("\ninterrupted; what has been sent is noted, and is not sent again\n")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return WRONG
    except (AxonlogError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG
    return result if isinstance(result, int) else DONE


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="axonlog %(version)s")
def axonlog() -> None:
    """Track training runs in Polyaxon: what is here, what is there, and why."""


@axonlog.command("ls", short_help="Show the runs on this machine.", epilog=_EPILOG)
@_root_option
@_json_option
def list_runs(root: Path | None, as_json: bool) -> int:
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
        click.echo(f"no runs in {_places(roots)}; pass --root for another place", err=True)
        return DONE
    console().print(runs_table(runs))
    for line in journal_lines(runs):
        console(stderr=True).print(line, soft_wrap=True)
    unsent = sum(1 for run in runs if run.is_waiting)
    if unsent and sys.stdout.isatty():
        click.echo(f"\n{count(unsent, 'run')} to send: axonlog sync --all")
    return DONE


@axonlog.command("sync", short_help="Send runs to their server.", epilog=_EPILOG)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--all", "everything", is_flag=True, help="Send every run that has something to send."
)
@click.option(
    "--trust-ledger",
    is_flag=True,
    help="With --all: do not ask the servers whether they still have what was delivered.",
)
@_root_option
@click.option("--host", help="Send to this server.")
@click.option("--owner", help="Send to this user or organization.")
@click.option("--project", help="Send to this project, or owner/project.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up after so long.  [default: after half a minute without progress]",
)
@_json_option
def sync(
    runs: tuple[str, ...],
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
        click.echo(sentence, err=True)
    if not chosen:
        if as_json:
            _print_json({"runs": []})
        elif not unchecked:
            click.echo("nothing to send", err=True)
        return PENDING if unchecked else DONE
    watch: Watch = nobody_watches
    if not as_json and sys.stderr.isatty():
        watch = Bars(console(stderr=True))
    outcomes: list[Outcome] = []
    told: set[str | None] = set()
    for outcome in send_runs(chosen, overrides, wait_s=wait_s, watch=watch):
        outcomes.append(outcome)
        if not as_json:
            is_news = outcome.trouble not in told
            told.add(outcome.trouble)
            console().print(outcome_line(outcome, with_trouble=is_news), soft_wrap=True)
    if as_json:
        _print_json({"runs": [outcome.to_dict() for outcome in outcomes]})
    return max(_exit_code(outcomes), PENDING if unchecked else DONE)


def _context_command() -> click.Command:
    command = click.command("context", short_help=SUMMARY, help=DESCRIPTION, epilog=_EPILOG)(
        _tell_context
    )
    for option in CONTEXT_OPTIONS:
        flag = f"--{option.flag}/--no-{option.flag}" if option.is_switch else f"--{option.flag}"
        command = click.option(flag, option.argument, default=None, help=option.help)(command)
    return _json_option(command)


def _tell_context(*, as_json: bool, **given: Any) -> int:  # the arguments of resolve, by name
    click.echo(explain(as_json=as_json, **given))
    return DONE


axonlog.add_command(_context_command())


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
        raise click.UsageError("--trust-ledger goes with --all")
    roots = run_roots(root)
    if everything:
        if meant:
            raise click.UsageError("name runs or pass --all, not both")
        found = _view_all(runs_below(roots))
        if trust_ledger:
            return [run for run in found if run.is_waiting], []
        delivered = [run for run in found if run.is_readable and not run.is_waiting]
        lost, unchecked = runs_to_send_again(delivered, overrides)
        return [run for run in found if run.is_waiting or run.path in lost], unchecked
    if not meant:
        unsent = sum(1 for run in _view_all(runs_below(roots)) if run.is_waiting)
        raise click.UsageError(
            f"which run? Name some, or pass --all ({count(unsent, 'run')} to send in "
            f"{_places(roots)}; `axonlog ls` shows them)"
        )
    return [view_run(path) for path in pick_runs(meant, roots)], []


def _view_all(paths: Sequence[Path]) -> list[RunView]:
    """The newest first."""
    runs = [view_run(path) for path in paths]
    return sorted(runs, key=lambda run: (run.created_at or _BEGINNING, run.run_uuid), reverse=True)


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    # What is wrong outweighs what is pending: it will not get better by itself.
    return max((outcome.exit_code for outcome in outcomes), default=DONE)


def _places(roots: Sequence[Path]) -> str:
    return ", ".join(map(str, roots))


def _print_json(document: dict[str, Any]) -> None:
    # Escaped: a path may hold bytes that no encoding of the output has.
    click.echo(json.dumps(document, indent=2))
