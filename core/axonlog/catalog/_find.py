"""Find runs on this machine: all of them, or those that a user means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from axonlog.context import resolve
from axonlog.errors import AuthenticationError, AxonlogError, ContextError
from axonlog.store import RunDirectory, read_record

_HEX = re.compile(r"[0-9a-f]+")
# So many of the runs that a prefix could mean are listed in the error.
_SHOWN = 5


def run_roots(given: Path | None) -> tuple[Path, ...]:
    """The folders whose children are runs.

    Args:
        given: The folder that the user names; else those in which runs that start here are kept.

    Raises:
        ContextError: It is not a folder, or the context makes no sense.
    """
    if given is None:
        return tuple(dict.fromkeys(_usual_roots()))
    if not given.is_dir():
        raise ContextError(f"--root: there is no directory {str(given)!r}")
    below = given / "runs"
    return (below if below.is_dir() else given,)


def runs_below(roots: Iterable[Path]) -> list[Path]:
    """The directories of the runs in these folders, in no particular order.

    Raises:
        OSError: A folder cannot be read.
    """
    found: dict[Path, None] = {}
    for root in roots:
        if not root.is_dir():
            continue
        for path in (root, *sorted(root.iterdir())):
            if _is_run(path):
                found[path.absolute()] = None
    return list(found)


def pick_runs(meant: Sequence[str], roots: Sequence[Path]) -> list[Path]:
    """The directories of the runs that the user means, each once.

    Args:
        meant: Directories, uuids, or beginnings of uuids that only one run has.
        roots: Where to look for uuids.

    Raises:
        ContextError: Something names no run, or more than one.
    """
    by_uuid: dict[Path, str] | None = None
    picked: dict[Path, None] = {}
    for word in meant:
        path = Path(word)
        if _is_run(path):
            picked[path.absolute()] = None
            continue
        if by_uuid is None:
            by_uuid = {path: _uuid_of(path) for path in runs_below(roots)}
        picked[_with_prefix(word, by_uuid, roots)] = None
    return list(picked)


def _usual_roots() -> Iterable[Path]:
    for is_offline in (False, True):
        try:
            context = resolve(
                owner="any", project="any", is_new=True, is_offline=is_offline, no_op=False
            )
        except AuthenticationError:
            continue  # whoever is not logged in can still list and inspect offline runs
        if context.artifacts_path.value:
            yield Path(context.artifacts_path.value).parent


def _is_run(path: Path) -> bool:
    # A run that lost its document still has data: it must not disappear from every list.
    directory = RunDirectory(path)
    files = (directory.document, directory.lineage)
    return any(file.is_file() for file in files) or directory.private.is_dir()


def _uuid_of(path: Path) -> str:
    try:
        return read_record(RunDirectory(path).document).uuid
    except (AxonlogError, OSError):
        return path.name  # a document that is damaged: the directory has the run's name


def _with_prefix(word: str, by_uuid: dict[Path, str], roots: Sequence[Path]) -> Path:
    places = ", ".join(map(str, roots))
    prefix = word.replace("-", "").lower()
    if not _HEX.fullmatch(prefix):
        raise ContextError(
            f"{word!r} is neither the directory of a run nor (the beginning of) a uuid; "
            f"`axonlog ls` shows the runs in {places}"
        )
    found = {path: uuid for path, uuid in by_uuid.items() if uuid.startswith(prefix)}
    if not found:
        raise ContextError(
            f"no run {word!r} in {places}: `axonlog ls` shows those that are there; "
            "pass --root for another place, or the run's directory"
        )
    if len(found) > 1:
        shown = ", ".join(sorted(map(str, found.values()))[:_SHOWN])
        more = ", …" if len(found) > _SHOWN else ""
        raise ContextError(
            f"{word!r} could be any of {len(found)} runs ({shown}{more}): give more digits, or "
            "the run's directory"
        )
    return next(iter(found))
