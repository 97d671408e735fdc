"""A test's own corner of the machine: no settings of the person who runs it, no run left over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from axonlog import tracking


def in_a_corner(monkeypatch: pytest.MonkeyPatch, directory: Path) -> Iterator[Path]:
    """Work in ``directory`` with an empty home and no Polyaxon variables; end its run after."""
    end_current_run()
    for name in list(os.environ):
        if name.startswith("POLYAXON_"):
            monkeypatch.delenv(name)
    home = directory / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    work = directory / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield work
    end_current_run()


def end_current_run() -> None:
    """Leave no live run behind that the next test could join."""
    run = tracking.TRACKING_RUN
    if run is not None and not run.is_ended:
        run.end()
