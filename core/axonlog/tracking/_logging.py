"""What a person who configured no logging sees on stderr.

Everything is said on the logger ``axonlog``. A handler of ours prints it while nobody has
configured logging, for that logger or for the root. This is decided for each record, so that a
later ``logging.basicConfig`` doubles no line. By default lines of level INFO are printed: one when
a run starts, one when it ends. ``AXONLOG_QUIET=1`` leaves the warnings. Whoever configures logging,
or sets a level on the logger, gets what that configuration says.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from axonlog.context import Context

_log = logging.getLogger("axonlog")

# Lets everything through to `_is_wanted`, and differs from any level that a user sets.
_UNCONFIGURED = 1

# Launchers number the processes that they start in these variables.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


class _DefaultHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if _is_configured():
            return
        try:
            # Looked up each time, as pytest and notebooks replace it.
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  # logging's own way to treat a closed stderr
            self.handleError(record)


def _is_configured() -> bool:
    if any(not isinstance(handler, _DefaultHandler) for handler in _log.handlers):
        return True
    return _log.propagate and bool(logging.getLogger().handlers)


def _is_wanted(record: logging.LogRecord) -> bool:
    if _log.level != _UNCONFIGURED:
        return True  # the user set a level, which has been looked at
    if _is_configured():
        return record.levelno >= logging.getLogger().getEffectiveLevel()
    is_quiet = os.environ.get("AXONLOG_QUIET", "").strip().lower() not in ("", "0", "false", "no")
    return record.levelno >= (logging.WARNING if is_quiet else logging.INFO)


def install_handler() -> None:
    """Let the logger print by itself, until somebody configures logging."""
    if any(isinstance(handler, _DefaultHandler) for handler in _log.handlers):
        return
    _log.addHandler(_DefaultHandler())
    _log.addFilter(_is_wanted)
    if _log.level == logging.NOTSET:
        _log.setLevel(_UNCONFIGURED)


def url_of(context: Context) -> str | None:
    """Where Polyaxon's UI shows the run; None where no server is to have it."""
    if context.no_op.value or context.is_offline.value:
        return None
    owner, project, uuid = context.owner.value, context.project.value, context.run_uuid.value
    return f"{context.host.value}/ui/{owner}/{project}/runs/{uuid}/"


def log_start(context: Context, name: str | None, *, is_reachable: bool) -> None:
    """Say which run starts, and where it can be looked at."""
    if _is_first_rank():
        place = (url_of(context) if is_reachable else None) or _directory(context)
        belongs = f"{context.owner.value}/{context.project.value}"
        _log.info("run %s in %s → %s", _label(context, name), belongs, place)


def log_end(context: Context, name: str | None, status: str | None, seconds: float) -> None:
    """Say how the run ended, and where it can be looked at."""
    if _is_first_rank():
        place = url_of(context) or _directory(context)
        _log.info(
            "run %s %s after %s → %s", _label(context, name), status, _duration(seconds), place
        )


def _is_first_rank() -> bool:
    return all(os.environ.get(name, "0") in ("", "0") for name in _RANKS)


def _label(context: Context, name: str | None) -> str:
    short = (context.run_uuid.value or "")[:8]
    return f"{name} {short}" if name else short


def _directory(context: Context) -> str:
    path = Path(context.artifacts_path.value or "")
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the working directory has been removed
        return str(path)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
