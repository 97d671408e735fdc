import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.kept import curve, only_run, record_of, run_directories

pytestmark = pytest.mark.frameworks

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_example(name, *arguments):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", ["lightning", "keras", "plain"])
def test_an_example_learns_the_digits_and_keeps_its_run(work, name):
    script = "plain.py" if name == "plain" else f"{name}_digits.py"
    done = run_example(script)
    directory = only_run(work)
    assert done.stderr == ""
    accuracy = curve(directory, "test_accuracy")[-1][1]
    assert accuracy > 0.95
    assert done.stdout.splitlines() == [
        f"test accuracy {accuracy:.3f}",
        f"run {directory.name} in {directory}",
    ]
    record = record_of(directory)
    assert (record.name, record.status) == (f"{name}-digits", "succeeded")
    assert record.inputs


def test_the_demo_shows_what_both_frameworks_kept(work):
    done = run_example("demo.py", "--epochs", "1")
    assert done.stderr == ""
    assert "argument is_offline" in done.stdout
    for directory in run_directories(work):
        name = record_of(directory).name
        assert f"{name}: {directory.relative_to(work)}" in done.stdout
        assert re.search(rf"^{name} +succeeded +[\d.]+ s +\w+", done.stdout, re.MULTILINE)
    assert len(run_directories(work)) == 2


@pytest.mark.server
@pytest.mark.parametrize("script", ["lightning_digits.py", "keras_digits.py", "plain.py"])
def test_a_server_is_a_host_away(work, script, polyaxon_server):
    from axonlog.client import PolyaxonClient, RunClient
    from axonlog.context import ClientConfig

    run_example(script, "--host", polyaxon_server.url, "--project", "examples", "--epochs", "1")
    client = PolyaxonClient(ClientConfig(host=polyaxon_server.url))
    run = RunClient("default", "examples", only_run(work).name, client).get()
    assert run.status == "succeeded"
    assert run.outputs["test_accuracy"] == curve(only_run(work), "test_accuracy")[-1][1]
