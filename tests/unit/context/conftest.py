"""A world to resolve in: directories that are really there, an environment that is a dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from axonlog.context import Context
from axonlog.context._environment import Environment, can_write
from axonlog.context._resolve import resolve_in


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.cwd: Path | None = root / "work"
        self.shared = root / "shared"
        self.env: dict[str, str] = {}
        self.can_write = can_write
        for place in (self.home, self.cwd, self.shared):
            place.mkdir()

    def put(self, place: Path, name: str, content: Any) -> Path:
        """Write a `.polyaxon` file below ``place``: text as it is, anything else as JSON."""
        path = place / ".polyaxon" / name
        path.parent.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    def globally(self, name: str, content: Any) -> Path:
        return self.put(self.home, name, content)

    def locally(self, name: str, content: Any) -> Path:
        return self.put(self.cwd, name, content)

    @property
    def environment(self) -> Environment:
        return Environment(self.env, self.home, self.cwd, self.shared, self.can_write)

    def resolve(self, *, client: Any = None, config: Any = None, **arguments: Any) -> Context:
        return resolve_in(self.environment, arguments, client=client, config=config)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
