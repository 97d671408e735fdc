"""``python -m axonlog context``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from axonlog.cli import main


def run(tmp_path, *arguments, **env):
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    # Where axonlog is imported from in a second checkout that shares the first one's environment.
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**kept, "HOME": str(home), **env}
    return subprocess.run(
        [sys.executable, "-m", "axonlog", "context", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )


def test_it_prints_the_table_and_writes_nothing(tmp_path):
    done = run(tmp_path, "--project", "acme/mnist", POLYAXON_AUTH_TOKEN="hunter2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "argument project" in done.stdout
    assert "hunter2" not in done.stdout
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


def test_it_prints_json(tmp_path):
    done = run(tmp_path, "--owner=acme", "--project=mnist", "--offline", "--json")
    settings = json.loads(done.stdout)["settings"]
    assert settings["is_offline"]["value"] is True
    assert settings["owner"]["source"] == "argument"


def test_a_context_that_cannot_be_resolved_is_exit_code_2(tmp_path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no project was found" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--run-uuid", "1" * 32], "run_uuid", "1" * 32),
        (["--name", "n"], "name", "n"),
        (["--no-offline"], "is_offline", False),
        (["--new"], "is_new", True),
        (["--artifacts-path", "/x"], "artifacts_path", "/x"),
    ],
)
def test_every_option_reaches_the_resolver(capsys, arguments, field, value):
    assert main(["context", "--project", "a/b", "--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["settings"][field]["value"] == value


def test_without_a_command_the_usage_is_shown(capsys):
    assert main([]) == 2
    assert "context" in capsys.readouterr().err
