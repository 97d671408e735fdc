"""Write the module functions that stand for the methods of `Run`: `make functions`."""

import inspect
from pathlib import Path

from axonlog.tracking import Run

FILE = Path(__file__).parents[2] / "core" / "axonlog" / "tracking" / "_run_functions.py"

# Written by hand, without a detour on their way to the journal.
_BY_HAND = {"log_metric", "log_metrics"}

# For those who hold their run: adapters, which share it.
_RUN_ONLY = {"settle"}

_HEAD = '''"""The methods of `Run` as functions that speak to the current run.

Written by `make functions`; a test compares it with `Run`.
"""

from ._functions import of_current_run
from ._run import Run

'''


def source() -> str:
    """What should stand in the file."""
    names = sorted(
        name
        for name, _ in inspect.getmembers(Run, inspect.isfunction)
        if not name.startswith("_") and name not in _BY_HAND | _RUN_ONLY
    )
    lines = [f"{name} = of_current_run(Run.{name})\n" for name in names]
    public = "".join(f'    "{name}",\n' for name in names)
    return f"{_HEAD}{''.join(lines)}\n__all__: list[str] = [\n{public}]\n"


if __name__ == "__main__":
    FILE.write_text(source(), encoding="utf-8")
