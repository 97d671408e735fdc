import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.kept import curve, only_run, record_of
from support.lightning_digits import PACKAGES

pytestmark = pytest.mark.frameworks

TESTS = Path(__file__).parent.parent
SCRIPT = TESTS / "frameworks" / "scripts" / "lightning_ending.py"


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    ("ending", "status", "reason", "code"),
    [
        ("success", "succeeded", None, 0),
        ("failure", "failed", "ValueError", 1),
        ("interrupt", "stopped", "KeyboardInterrupt", 1),
        ("sigterm", "stopped", "SIGTERM", None),
    ],
)
def test_the_run_tells_how_training_ended(work, package, ending, status, reason, code):
    done = subprocess.run(
        [sys.executable, SCRIPT, package, ending],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    directory = only_run(work)
    record = record_of(directory)
    assert record.status == status, done.stderr
    if reason is not None:
        assert record.status_conditions[-1].reason == reason
    if ending == "failure":
        assert "loss is NaN" in record.status_conditions[-1].message
    if code is not None:
        assert done.returncode == code, done.stderr
    assert [step for step, _ in curve(directory, "train_loss_step")][:2] == [0, 1]
