"""The environment a context is resolved in: the whole input besides the call itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The original library reads `.polyaxon` there on every machine, so its users' files are there.
_SHARED_ROOT = Path("/tmp")  # noqa: S108 - other users' files there are refused, see _files.py


def can_write(directory: Path) -> bool:
    """Whether something could be created in ``directory``, found out without trying."""
    return os.access(directory, os.W_OK | os.X_OK)


@dataclass(frozen=True)
class Environment:
    """Environment variables and directories, as one value that a test can make by hand.

    ``cwd`` is None when the working directory has been removed.
    """

    env: Mapping[str, str]
    home: Path
    cwd: Path | None
    shared_root: Path = field(default_factory=lambda: _SHARED_ROOT)
    can_write: Callable[[Path], bool] = can_write

    @classmethod
    def current(cls) -> Environment:
        """The environment of this process, now."""
        try:
            cwd = Path.cwd()
        except FileNotFoundError:
            cwd = None
        # `Path.home()` raises where a container's user has no entry and HOME is unset.
        home = Path(os.path.expanduser("~"))  # noqa: PTH111
        return cls(env=dict(os.environ), home=home, cwd=cwd)

    def variable(self, name: str) -> str | None:
        """The variable's text, or None when it is unset or blank."""
        text = self.env.get(name)
        return None if text is None or not text.strip() else text

    def absolute(self, path: str) -> str:
        """``path`` as given if absolute; else below the home (``~``) or the working directory."""
        if path == "~" or path.startswith("~/"):
            return str(self.home) + path[1:]
        if path.startswith("/"):
            return path
        return str((self.cwd or self.home) / path)
