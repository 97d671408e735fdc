import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from axonlog.store._owner import is_owner_alive, read_owner, this_process
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


def test_a_note_tells_all_it_needs(note):
    write(note)
    read, mine = read_owner(note), this_process()
    assert read == replace(mine, since=read.since, folder=note.parent.stat().st_ino)


def test_in_a_copy_of_the_folder_nobody_writes(note, tmp_path_factory):
    write(note)
    copy = shutil.copy(note, tmp_path_factory.mktemp("copy"))
    assert not is_owner_alive(Path(copy))
