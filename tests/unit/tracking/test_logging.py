"""What a script prints by itself, in a process of its own."""

import re

import pytest

import axonlog
from support.runs import only_run
from support.scripts import run_code

RUN = """
axonlog.init(project="acme/digits", name="lightning-digits", is_offline=True, track_env=False)
axonlog.log_metrics(loss=0.5)
axonlog.end()
"""


@pytest.fixture(autouse=True)
def not_quiet(monkeypatch):
    monkeypatch.delenv("AXONLOG_QUIET")


def lines(cwd, script):
    done = run_code(script, cwd)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_a_run_prints_one_line_at_its_start_and_one_at_its_end(tmp_path):
    start, end = lines(tmp_path, f"import axonlog\n{RUN}")
    run = only_run(tmp_path)
    place = f"axonlog_data/runs/{run.name}"
    assert start == f"run lightning-digits {run.name[:8]} in acme/digits → {place}"
    expected = rf"run lightning-digits {run.name[:8]} succeeded after \d+\.\d s → {place}"
    assert re.fullmatch(expected, end)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("import os; os.environ['AXONLOG_QUIET'] = '1'", []),
        ("import os; os.environ['RANK'] = '1'", []),
        ("logging.getLogger('axonlog').setLevel('WARNING')", []),
        ("logging.getLogger('axonlog').addHandler(logging.NullHandler())", []),
        ("logging.basicConfig()", []),
        (
            "logging.basicConfig(level='INFO', format='mine %(levelname)s')",
            ["mine INFO", "mine INFO"],
        ),
        ("logging.basicConfig(level='WARNING')", []),
        (
            "axonlog.Run; logging.basicConfig(level=20, format='mine %(levelname)s')",
            ["mine INFO"] * 2,
        ),
    ],
)
def test_whoever_configures_logging_decides(tmp_path, before, expected):
    assert lines(tmp_path, f"import axonlog, logging\n{before}\n{RUN}") == expected


def test_logging_that_is_configured_in_mid_run_doubles_nothing(tmp_path):
    script = RUN.replace(
        "axonlog.end()", "logging.basicConfig(level='INFO', format='mine %(levelname)s')"
    )
    start, end = lines(tmp_path, f"import axonlog, logging\n{script}\naxonlog.end()")
    assert start.startswith("run lightning-digits")
    assert end == "mine INFO"


def test_a_warning_is_printed_also_when_quiet(tmp_path, monkeypatch):
    monkeypatch.setenv("AXONLOG_QUIET", "1")
    script = RUN.replace("is_offline=True", "is_offline=True, run_uuid='1' * 32")
    (line,) = lines(tmp_path, f"import axonlog\n{script}")
    assert "a new run is started under this uuid" in line


def test_a_run_knows_its_path_and_where_the_ui_shows_it(tmp_path):
    run = axonlog.Run(project="acme/digits", is_offline=True, track_env=False)
    run.end()
    assert (run.url, run.path) == (None, tmp_path / "axonlog_data" / "runs" / run.run_uuid)
    assert (axonlog.Run(no_op=True).url, axonlog.Run(no_op=True).path) == (None, None)
