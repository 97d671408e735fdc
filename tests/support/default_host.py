"""Another default host than the declared one, so that a test decides who answers there."""

from __future__ import annotations

import dataclasses

import pytest

from axonlog.context._options import SETTINGS


def set_default_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make ``url`` the host of everybody who configured none."""
    monkeypatch.setitem(SETTINGS, "host", dataclasses.replace(SETTINGS["host"], default=url))
