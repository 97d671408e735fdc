import subprocess
import sys

import pytest

CHECK = """
def loggers():
    import lightning.pytorch.loggers, pytorch_lightning.loggers
    return lightning.pytorch.loggers.Logger, pytorch_lightning.loggers.Logger
"""

# Packages that cannot be imported, as on a machine where they are not installed.
WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
"""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "first", ["", "import pytorch_lightning", "import lightning.pytorch", "import lightning.fabric"]
)
def test_whatever_is_imported_first_the_logger_is_one_of_both_packages(first):
    code = f"""
{CHECK}
{first}
import axonlog_lightning
from axonlog_lightning import AxonLogger
for kind in loggers():
    assert issubclass(axonlog_lightning.AxonLogger, kind), kind
    assert isinstance(AxonLogger(project="digits"), kind), kind
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("used", "other"),
    [("pytorch_lightning", "lightning"), ("lightning.pytorch", "pytorch_lightning")],
)
def test_the_package_that_a_script_does_not_use_is_not_imported(used, other):
    code = f"""
import sys
import {used}
from axonlog_lightning import AxonLogger
logger = AxonLogger(project="digits")
assert isinstance(logger, {used}.loggers.Logger)
assert {other!r} not in sys.modules
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("absent", ["lightning", "pytorch_lightning"])
def test_one_of_the_packages_is_enough(absent):
    done = run(
        WITHOUT.format(names=[absent])
        + 'from axonlog_lightning import AxonLogger; AxonLogger(project="digits")'
    )
    assert done.returncode == 0, done.stderr


def test_without_either_package_the_error_says_what_to_install():
    done = run(
        WITHOUT.format(names=["lightning", "pytorch_lightning"])
        + "from axonlog_lightning import AxonLogger"
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: AxonLogger needs")
    assert "pip install 'axonlog[lightning]'" in done.stderr.splitlines()[-1]


def test_importing_axonlog_imports_no_framework():
    done = run(
        "import sys, axonlog, axonlog.tracking, axonlog.integration\n"
        "assert not {'torch', 'keras', 'lightning', 'numpy'} & set(sys.modules)"
    )
    assert done.returncode == 0, done.stderr
