"""``axonlog sync``, as far as it goes without a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from axonlog import delivery
from axonlog.cli import main
from support.command import COMMAND, in_terminal, make_run
from support.default_host import set_default_host
from support.fault_server import Answer, Hang

NOBODY = "http://127.0.0.1:9"
JSON = {"Content-Type": "application/json"}


def test_which_run_must_be_said(capsys):
    make_run()
    assert main(["sync"]) == 2
    assert "pass --all (1 run to send" in capsys.readouterr().err


def test_named_runs_and_all_exclude_each_other(capsys):
    assert main(["sync", "--all", "abc"]) == 2
    assert "not both" in capsys.readouterr().err


def test_nothing_to_send_is_done(capsys):
    assert main(["sync", "--all"]) == 0
    assert capsys.readouterr().err == "nothing to send\n"
    assert main(["sync", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": []}


def test_an_unknown_run_is_told_with_the_place_that_was_looked_at(capsys, tmp_path):
    make_run()
    assert main(["sync", "f" * 32]) == 2
    assert f"no run '{'f' * 32}' in {tmp_path}/axonlog_data/runs" in capsys.readouterr().err


def test_what_is_no_uuid_is_told(capsys):
    assert main(["sync", "my-run"]) == 2
    assert "'my-run' is neither the directory of a run" in capsys.readouterr().err


def test_a_prefix_that_several_runs_have_is_told_with_them(capsys):
    uuids = ["ab" + digit * 30 for digit in "12"]
    for uuid in uuids:
        make_run(run_uuid=uuid, is_new=None)
    assert main(["sync", "ab"]) == 2
    assert f"any of 2 runs ({', '.join(uuids)}): give more digits" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["uuid", "hyphens", "prefix", "directory", "relative"])
def test_a_run_is_found_by(capsys, tmp_path, way):
    path = make_run()
    make_run()
    uuid = path.name
    word = {
        "uuid": uuid,
        "hyphens": f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}",
        "prefix": uuid[:12],
        "directory": str(path),
        "relative": str(path.relative_to(tmp_path)),
    }[way]
    assert main(["sync", word, "--host", NOBODY, "--wait", "0", "--json"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["run_uuid"], run["path"]) == (uuid, str(path))


def test_a_server_that_is_away_leaves_everything_pending_and_is_told_once(capsys):
    paths = [make_run("a"), make_run("b")]
    assert main(["sync", *map(str, paths), "--host", NOBODY, "--wait", "0"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{paths[0].name[:8]} a  pending: ")
    assert f"to {NOBODY}/acme/digits" in first
    assert "connection refused" in first
    assert second.startswith(f"{paths[1].name[:8]} b  pending: ")
    assert "refused" not in second


def test_where_nobody_named_a_server_one_try_is_enough(capsys, monkeypatch):
    set_default_host(monkeypatch, NOBODY)
    make_run()
    tries = []
    send = delivery.Delivery.step
    monkeypatch.setattr(
        delivery.Delivery, "step", lambda *given, **more: tries.append(1) or send(*given, **more)
    )
    assert main(["sync", "--all"]) == 1
    assert len(tries) == 1
    said = capsys.readouterr().out
    assert "nobody named a server: pass --host, or set POLYAXON_HOST" in said


def test_refused_credentials_are_told_without_the_token(capsys, fault_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "very-secret")
    fault_server.fault(Answer(401, b'{"detail": "no"}', JSON))
    make_run()
    assert main(["sync", "--all"]) == 2
    told = "".join(capsys.readouterr())
    assert "401" in told
    assert "very-secret" not in told


def test_a_directory_does_not_decide_who_gets_the_token(capsys, fault_server, monkeypatch):
    path = make_run()
    private = path / ".axonlog"
    private.mkdir(exist_ok=True)
    ledger = {"destination": f"{fault_server.url}/acme/digits", "is_registered": True}
    (private / "delivery.json").write_text(json.dumps(ledger))
    monkeypatch.setenv("POLYAXON_HOST", NOBODY)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "very-secret")
    assert main(["sync", str(path)]) == 2
    told = "".join(capsys.readouterr())
    assert f"was sent to {fault_server.url}, but your credentials are for {NOBODY}" in told
    assert "pass --host" in told
    assert fault_server.requests == ()


@pytest.mark.parametrize("destination", [f"{NOBODY}/acme/other", "abc"])
def test_a_server_that_never_had_the_run_does_not_keep_it(capsys, destination):
    path = make_run()
    (path / ".axonlog").mkdir(exist_ok=True)
    note = json.dumps({"destination": destination, "is_registered": destination == "abc"})
    (path / ".axonlog" / "delivery.json").write_text(note)
    assert main(["sync", str(path), "--host", NOBODY, "--wait", "0"]) == 1
    assert f"to {NOBODY}/acme/digits" in capsys.readouterr().out


def test_a_damaged_run_does_not_keep_the_others_from_being_tried(capsys):
    good, bad = make_run("good"), make_run("bad")
    (bad / "run.plx.json").write_text("{")
    words = [str(bad), str(good), "--host", NOBODY, "--wait", "0"]
    assert main(["sync", *words]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert "not sent: " in first
    assert "run.plx.json" in first
    assert "pending: " in second


@pytest.mark.parametrize("more", [(), ("--trust-ledger",)])
@pytest.mark.parametrize("content", ["{", None])
def test_all_includes_a_run_whose_document_is_damaged_or_gone(capsys, content, more):
    bad = make_run("bad")
    if content is None:
        (bad / "run.plx.json").unlink()
    else:
        (bad / "run.plx.json").write_text(content)
    assert main(["sync", "--all", "--host", NOBODY, "--wait", "0", *more]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(bad.name[:8])
    assert "not sent: " in line
    assert "run.plx.json" in line


def test_ctrl_c_is_exit_code_130(fault_server, tmp_path):
    fault_server.fault(Hang())
    make_run()
    process = subprocess.Popen(
        [*COMMAND, "sync", "--all", "--host", fault_server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        fault_server.wait_for(lambda request: True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (out, err.strip()) == (
        "",
        "interrupted; what has been sent is noted, and is not sent again",
    )


def test_a_terminal_gets_a_bar():
    path = make_run("shown")
    shown = in_terminal("sync", "--all", "--host", NOBODY, "--wait", "0")
    assert "━" in shown
    assert f"{path.name[:8]} shown" in shown
    assert "\x1b[33mpending" in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_there_is_neither_bar_nor_colour_where_escape_codes_are_not_wanted(variable):
    make_run()
    shown = in_terminal("sync", "--all", "--host", NOBODY, "--wait", "0", **variable)
    assert "pending: " in shown
    assert "\x1b" not in shown


def test_runs_and_options_may_stand_in_any_order(capsys):
    first, second = make_run("a"), make_run("b")
    words = ["sync", str(first), "--host", NOBODY, str(second), "--wait", "0"]
    assert main(words) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--walt", "3"], "unrecognized arguments: --walt"),
        (["--wait", "-1"], "'-1' is not a number of seconds"),
        (["--wait", "soon"], "'soon' is not a number of seconds"),
    ],
)
def test_a_mistyped_option_is_told(capsys, words, told):
    assert main(["sync", "--all", *words]) == 2
    assert told in capsys.readouterr().err


def test_the_whole_command_works_where_only_axonlog_is_installed():
    path = make_run("waiting")
    script = "import sys; sys.modules.update(click=None, rich=None); import axonlog.cli as c; "
    away = ["--host", NOBODY, "--wait", "0"]
    for words, code, told in (
        (["sync", "--all", *away], 1, f"{path.name[:8]} waiting  pending: "),
        (["ls"], 0, "waiting"),
        (["context", "--project", "a/b"], 0, "argument project"),
        (["context"], 2, "no project was found"),
        (["--help"], 0, "sync"),
        ([], 2, "usage"),
    ):
        done = subprocess.run(
            [COMMAND[0], "-c", f"{script}sys.exit(c.main({words!r}))"],
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ),
        )
        assert (done.returncode, told in done.stdout + done.stderr) == (code, True), done
        assert "Traceback" not in done.stderr
