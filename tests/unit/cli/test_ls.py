"""``axonlog ls``: the runs on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import axonlog
from axonlog.cli import main
from support.command import COMMAND, in_terminal, make_run
from support.runs import document_of

KILLED = """
import os, signal, axonlog
with axonlog.Run(project="acme/digits", name="killed", is_offline=True) as run:
    for step in range(5):
        run.log_metrics(loss=step, step=step)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def listed(capsys, *arguments):
    assert main(["ls", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)["runs"]


def test_a_run_is_told_with_its_points_and_what_is_to_be_sent(capsys):
    path = make_run("first", points=7)
    (run,) = listed(capsys)
    assert run == {
        "path": str(path),
        "run_uuid": path.name,
        "owner": "acme",
        "project": "digits",
        "name": "first",
        "status": "succeeded",
        "reason": run["reason"],
        "message": run["message"],
        "is_alive": False,
        "created_at": document_of(path)["created_at"].replace("Z", "+00:00"),
        "points": 7,
        "destination": None,
        "pending": run["pending"],
        "pending_bytes": (path / "events/metric/loss.plx").stat().st_size,
        "unreplayed_points": 0,
        "journal_error": None,
    }
    assert run["pending"] > 0


def test_the_table_shows_the_newest_run_first(capsys):
    older, newer = make_run("older"), make_run("newer")
    assert main(["ls"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["RUN", "STATUS", "POINTS", "TO", "SEND", "AGE", "PROJECT", "NAME"]
    assert [row.split()[0] for row in rows] == [newer.name[:8], older.name[:8]]
    assert rows[0].split()[1:3] == ["succeeded", "3"]
    assert rows[0].split()[-2:] == ["acme/digits", "newer"]


def test_a_run_that_goes_on_is_running_and_alive(capsys):
    with axonlog.Run(project="acme/digits", is_offline=True, track_env=False) as run:
        run.log_metrics(loss=1.0, step=1)
        (shown,) = listed(capsys)
    assert (shown["status"], shown["is_alive"]) == ("running", True)


def test_a_run_whose_process_was_killed_is_lost_and_complete(capsys, tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    (shown,) = listed(capsys)
    assert (shown["status"], shown["is_alive"], shown["points"]) == ("lost", False, 5)
    assert document_of(tmp_path / shown["path"])["status"] == "failed"
    assert [run["status"] for run in listed(capsys)] == ["lost"]


def test_a_copy_of_a_run_that_goes_on_is_neither_running_nor_lost(capsys, tmp_path):
    with axonlog.Run(project="acme/digits", is_offline=True, track_env=False) as run:
        run.log_metrics(loss=1.0, step=1)
        path = Path(run.get_artifacts_path())
        copy = Path(shutil.copytree(path, tmp_path / "elsewhere" / path.name))
        for _ in range(2):
            (shown,) = listed(capsys, "--root", str(copy.parent))
            assert (shown["status"], shown["is_alive"], shown["points"]) == ("copy", False, 1)
        (shown,) = listed(capsys)
        assert (shown["status"], shown["is_alive"]) == ("running", True)
    assert [run["status"] for run in listed(capsys)] == ["succeeded"]
    assert [run["status"] for run in listed(capsys, "--root", str(copy.parent))] == ["copy"]
    assert document_of(copy)["status"] == "running"


def test_a_damaged_run_does_not_hide_the_others(capsys):
    good, bad = make_run("good"), make_run("bad")
    (bad / "run.plx.json").write_text("{")
    shown = {run["run_uuid"]: run for run in listed(capsys)}
    assert shown[good.name]["status"] == "succeeded"
    assert shown[bad.name]["status"] == "unreadable"
    assert "run.plx.json" in shown[bad.name]["message"]


def test_a_run_without_its_document_is_listed(capsys):
    path = make_run()
    (path / "run.plx.json").unlink()
    (shown,) = listed(capsys)
    assert (shown["run_uuid"], shown["status"]) == (path.name, "unreadable")
    assert "run.plx.json" in shown["message"]


def test_no_runs_are_no_error(capsys, tmp_path):
    assert main(["ls"]) == 0
    assert capsys.readouterr() == (
        "",
        f"no runs in {tmp_path}/axonlog_data/runs; pass --root for another place\n",
    )
    assert listed(capsys) == []


@pytest.mark.parametrize("root", ["axonlog_data", "axonlog_data/runs", "axonlog_data/runs/{uuid}"])
def test_a_root_may_be_named_by_any_of_its_folders(capsys, tmp_path, monkeypatch, root):
    path = make_run()
    monkeypatch.chdir("/")
    assert listed(capsys) == []
    (run,) = listed(capsys, "--root", str(tmp_path / root.format(uuid=path.name)))
    assert run["path"] == str(path)


def test_a_root_that_is_not_there_is_told(capsys):
    assert main(["ls", "--root", "nowhere"]) == 2
    assert "no directory 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "below"), [("POLYAXON_OFFLINE_ROOT", "runs"), ("POLYAXON_ARTIFACTS_ROOT", "")]
)
def test_runs_are_looked_for_where_the_context_keeps_them(
    capsys, tmp_path, monkeypatch, variable, below
):
    monkeypatch.setenv(variable, str(tmp_path / "root"))
    path = tmp_path / "root" / below / ("1" * 32)
    make_run(run_uuid="1" * 32, is_new=None, artifacts_path=str(path))
    (run,) = listed(capsys)
    assert run["path"] == str(path)


def test_nobody_needs_to_be_logged_in_or_tracking(capsys, monkeypatch):
    make_run()
    monkeypatch.setenv("POLYAXON_NO_OP", "true")
    monkeypatch.setenv("POLYAXON_HOST", "https://cloud.polyaxon.com")
    assert len(listed(capsys)) == 1


def test_uuids_are_as_long_as_it_takes_to_tell_them_apart(capsys):
    for last in "ab":
        make_run(run_uuid="c" * 31 + last, is_new=None)
    assert main(["ls"]) == 0
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert shown == {"c" * 31 + "a", "c" * 31 + "b"}


def test_a_terminal_gets_colours_and_a_hint_and_a_name_cannot_play_with_it():
    make_run("a [red]name\x1b[2J")
    shown = in_terminal("ls")
    assert "\x1b[32msucceeded" in shown
    assert "a [red]name" in shown
    assert "\x1b[2J" not in shown
    assert "1 run to send: axonlog sync --all" in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_there_are_no_escape_codes_where_they_are_not_wanted(variable):
    make_run()
    shown = in_terminal("ls", **variable)
    assert "succeeded" in shown
    assert "\x1b" not in shown


def test_a_pipe_gets_plain_text_and_nothing_is_cut_off(capsys, monkeypatch):
    monkeypatch.setitem(os.environ, "COLUMNS", "40")
    make_run("n" * 150)
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    assert "n" * 150 in out
    assert "\x1b" not in out


def test_an_output_that_cannot_hold_a_name_still_shows_the_run():
    make_run("größe")
    done = subprocess.run(
        [*COMMAND, "ls"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout.rstrip().endswith(b"gr??e")


def test_a_reader_that_goes_away_is_no_error():
    for _ in range(2):
        make_run("n" * 40_000)  # together more than a pipe holds
    process = subprocess.Popen([*COMMAND, "ls"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(3) == b"RUN"
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


def lines_in_terminal(columns):
    return in_terminal("ls", COLUMNS=str(columns), NO_COLOR="1").replace("\r", "").splitlines()


def test_a_narrow_terminal_shows_what_sync_needs_and_names_that_say_something():
    make_run("lightning-digits", project="acme-research/vision-pretraining")
    make_run("a name that has no room at all")
    bad = make_run()
    (bad / "run.plx.json").write_text("{")
    head, *rows = lines_in_terminal(50)[:4]
    assert head.split() == ["RUN", "STATUS", "TO", "SEND", "NAME"]
    shown = {tuple(row.split(maxsplit=1)[1].split("  ")) for row in rows}
    assert {row[0] for row in shown} == {"succeeded", "unreadable"}
    assert {row[-1].strip() for row in shown} == {"-", "lightning-digits", "a name that has no…"}
    assert max(map(len, [head, *rows])) <= 50


def test_a_wide_terminal_shows_everything_and_no_line_breaks():
    name = "größe-模型 " * 5
    project = "acme-research-laboratories/vision-transformers-pretraining"
    make_run("lightning-digits", project=project)
    path = make_run(name)
    head, *rows = lines_in_terminal(200)[:3]
    assert head.split()[-2:] == ["PROJECT", "NAME"]
    by_uuid = {row.split()[0]: row for row in rows}
    assert by_uuid[path.name[:8]].endswith(f"  {name.strip()}")
    assert sum(project in row for row in rows) == 1
    assert [row for row in [head, *rows] if row != row.rstrip()] == []


def test_a_run_that_cannot_be_read_says_why_below_it(capsys):
    path = make_run()
    (path / "run.plx.json").write_text("{")
    assert main(["ls"]) == 0
    assert capsys.readouterr().err.startswith(f"{path.name[:8]}  {path}/run.plx.json: ")


def test_a_run_without_files_still_has_its_record_to_send(capsys):
    make_run(points=0)
    assert main(["ls"]) == 0
    assert "record" in capsys.readouterr().out.splitlines()[1].split()
