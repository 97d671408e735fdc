"""Each snippet of the README runs where exactly what stands beside it was installed."""

import re
import subprocess

import pytest

from support.environments import ROOT, python_with, without_this_checkout
from support.kept import only_run, record_of

# One worker makes them all: a download more at a time makes none of them faster.
pytestmark = [pytest.mark.environments, pytest.mark.xdist_group("environments")]

README = (ROOT / "README.md").read_text()
_, WAYS_IN = README.split("## Three ways in")


def ways_in():
    """The extra and the snippet of each: the command stands in the sentence above the snippet."""
    for above, snippet in re.findall(r"(.*?)```python\n(.*?)```", WAYS_IN, re.DOTALL)[:3]:
        extra = re.search(r"`pip install '?\.(?:\[(\w+)\]')?`", above)
        yield extra and (extra[1] or ""), snippet


SNIPPETS = list(ways_in())
METRICS = {"": {"loss"}, "lightning": set(), "keras": {"loss", "epoch"}}  # BoringModel has none
UNWANTED = {
    "": {"torch", "keras", "jax", "numpy", "rich"},
    "lightning": {"keras", "jax"},
    "keras": {"torch", "tensorflow"},
}


def run(python, *arguments):
    done = subprocess.run(
        [python, *arguments],
        env={**without_this_checkout(), "POLYAXON_IS_OFFLINE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_each_way_in_has_its_command_beside_it():
    assert [extra for extra, _ in SNIPPETS] == ["", "lightning", "keras"]


@pytest.mark.parametrize(
    ("extra", "snippet"), SNIPPETS, ids=[extra or "plain" for extra, _ in SNIPPETS]
)
def test_a_snippet_runs_with_exactly_the_extra_beside_it(tmp_path, extra, snippet):
    python = python_with(extra)
    listed = run(python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
    installed = {line.partition("==")[0].lower() for line in listed.stdout.splitlines()}
    assert "axonlog" in installed
    assert installed & UNWANTED[extra] == set()
    run(python, "-c", snippet)
    directory = only_run(tmp_path)
    assert record_of(directory).status == "succeeded"
    assert {file.stem for file in directory.glob("events/metric/*.plx")} >= METRICS[extra]
    # The command is there without a word about another extra.
    shown = run(python, python.parent / "axonlog", "ls")
    assert directory.name[:8] in shown.stdout
    assert shown.stderr == ""
