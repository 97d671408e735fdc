import json
import os
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from axonlog.store import _owner
from axonlog.store._owner import is_owner_alive, liveness, read_owner, this_process
from support.scripts import run_code


@pytest.fixture
def note(tmp_path):
    return tmp_path / "owner.json"


def write(note, **changes):
    replace(this_process(), **changes).write(note)


def fall_silent(note):
    long_ago = time.time() - 3600
    os.utime(note, (long_ago, long_ago))


def test_this_process_is_alive_however_long_it_is_silent(note):
    write(note)
    fall_silent(note)
    assert is_owner_alive(note)


def test_a_dead_process_is_dead_at_once(note, tmp_path):
    script = """
    from pathlib import Path
    from axonlog.store._owner import this_process
    this_process().write(Path("{note}"))
    """
    assert run_code(script.format(note=str(note)), tmp_path).returncode == 0
    assert not is_owner_alive(note)


def test_a_pid_that_was_given_again_is_another_process(note):
    write(note, started=1)
    assert not is_owner_alive(note)


def test_a_zombie_is_dead(note):
    child = os.fork()
    if child == 0:
        this_process().write(note)
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not is_owner_alive(note)
    os.waitpid(child, 0)


def test_a_machine_that_was_booted_since_runs_nothing_of_before(note):
    write(note, boot_id="another", machine_id="m", host="h")
    assert is_owner_alive(note)  # this may be another machine
    mine = this_process()
    if mine.machine_id is not None:
        write(note, boot_id="another")
        assert not is_owner_alive(note)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"boot_id": "another", "host": "another", "pid": 1},
        {"pid_namespace": "pid:[1]", "pid": 1},
        {"boot_id": None, "pid": 1},
    ],
    ids=["machine", "container", "system"],
)
def test_a_process_elsewhere_is_alive_until_it_falls_silent(note, elsewhere):
    write(note, **elsewhere)
    assert is_owner_alive(note)
    fall_silent(note)
    assert not is_owner_alive(note)


def test_without_a_note_nobody_writes(note):
    assert not is_owner_alive(note)
    note.write_text("{")
    assert not is_owner_alive(note)


def test_an_owner_file_needs_nothing_else(note):
    write(note)
    read, mine = read_owner(note), this_process()
    folder = note.parent.stat()
    assert read == replace(
        mine,
        since=read.since,
        folder=folder.st_ino,
        device=folder.st_dev,
        path=os.path.realpath(note.parent),
    )


DEAD = {"started": 1}


@pytest.fixture
def journal(tmp_path):
    """The folder of a run where its processes leave their notes."""
    journal = tmp_path / "run" / ".axonlog" / "journal"
    journal.mkdir(parents=True)
    return journal


def copied(journal, tmp_path):
    return Path(shutil.copytree(journal, tmp_path / "copy" / ".axonlog" / "journal")) / "a.json"


@pytest.mark.parametrize(
    "elsewhere",
    [{}, {"boot_id": "another", "host": "another"}, {"pid_namespace": "pid:[1]"}],
    ids=["same machine", "machine", "container"],
)
@pytest.mark.parametrize("is_long_ago", [False, True])
def test_a_copy_of_a_living_run_is_not_written_and_not_dead(
    journal, tmp_path, elsewhere, is_long_ago
):
    write(journal / "a.json", **elsewhere)
    copy = copied(journal, tmp_path)
    if is_long_ago:
        fall_silent(copy)  # nobody renews a copy: its silence says nothing
    assert (liveness(journal / "a.json"), liveness(copy)) == ("alive", "unknown")


def test_a_copy_of_a_run_whose_process_died_here_is_dead(journal, tmp_path):
    write(journal / "a.json", **DEAD)
    copy = copied(journal, tmp_path)
    assert (liveness(journal / "a.json"), liveness(copy)) == ("dead", "dead")
    shutil.rmtree(tmp_path / "run")
    assert liveness(copy) == "dead"


def test_how_a_run_ended_after_it_was_copied_is_not_known_in_the_copy(journal, tmp_path):
    write(journal / "a.json", **DEAD)
    copy = copied(journal, tmp_path)
    shutil.rmtree(journal.parent)  # as its process does when it has closed the run
    assert liveness(copy) == "unknown"


def test_a_directory_that_was_moved_is_the_same(journal, tmp_path):
    write(journal / "a.json")
    moved = (tmp_path / "run").rename(tmp_path / "moved") / ".axonlog" / "journal" / "a.json"
    assert liveness(moved) == "alive"


def test_a_copy_may_get_the_inode_on_another_device(journal):
    write(journal / "a.json")
    note = read_owner(journal / "a.json")
    elsewhere = {"device": note.device + 1, "path": "/elsewhere/run/.axonlog/journal"}
    (journal / "a.json").write_text(json.dumps({**asdict(note), **elsewhere}))
    assert liveness(journal / "a.json") == "unknown"


def test_a_directory_that_was_put_back_is_the_one_that_the_process_writes(journal, tmp_path):
    write(journal / "a.json")
    (tmp_path / "run").rename(tmp_path / "away")
    shutil.copytree(tmp_path / "away", tmp_path / "run")
    assert liveness(journal / "a.json") == "alive"


def test_where_inodes_change_the_path_tells_a_copy(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(_owner, "has_stable_inodes", lambda folder: False)
    write(journal / "a.json")
    copy = copied(journal, tmp_path)
    assert (liveness(journal / "a.json"), liveness(copy)) == ("alive", "unknown")


def test_without_proc_a_pid_that_is_free_is_evidence(journal, monkeypatch):
    """As on macOS."""
    nothing = {"boot_id": None, "machine_id": None, "pid_namespace": None}
    monkeypatch.setattr(_owner, "_this_machine", lambda: nothing)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    nowhere = {**nothing, "started": None}
    write(journal / "a.json", **nowhere)
    write(journal / "b.json", **nowhere, pid=child)
    assert (liveness(journal / "a.json"), liveness(journal / "b.json")) == ("alive", "dead")
