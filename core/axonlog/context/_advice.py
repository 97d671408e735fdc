"""Advice that works: no command is named that is not there."""

from __future__ import annotations

import shutil


def polyaxon_command(arguments: str) -> str:
    """Polyaxon's own command in words, with the way to get it where it is not installed."""
    command = f"`polyaxon {arguments}`"
    return command if shutil.which("polyaxon") else f"{command} (after `pip install polyaxon`)"
