"""One delivery of a directory at a time. The others are real processes."""

import os
import signal
import subprocess
import sys

import pytest

from axonlog.delivery import delivering

HOLD = """
import os, sys, time
from pathlib import Path
from axonlog.delivery import delivering
with delivering(Path(sys.argv[1])) as is_mine:
    {meanwhile}
    print(is_mine, flush=True)
    sys.stdin.read()
"""


def holder(path, meanwhile="pass"):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(meanwhile=meanwhile), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    return process


def let_go(process):
    process.communicate("", timeout=30)


@pytest.fixture
def lock(tmp_path):
    return tmp_path / ".axonlog" / "delivery.lock"


def test_another_process_has_to_wait(lock):
    other = holder(lock)
    with delivering(lock) as is_mine:
        assert not is_mine
    let_go(other)
    with delivering(lock) as is_mine:
        assert is_mine


def test_whoever_waits_gets_it_when_it_is_given_back(lock):
    other = holder(lock)
    with delivering(lock, wait_s=30, pause=lambda seconds: let_go(other)) as is_mine:
        assert is_mine


def test_two_in_one_process_exclude_each_other(lock):
    with delivering(lock) as first, delivering(lock) as second:
        assert (first, second) == (True, False)


def test_a_killed_process_holds_nothing(lock):
    other = holder(lock)
    other.kill()
    let_go(other)
    with delivering(lock) as is_mine:
        assert is_mine


def test_a_forked_child_does_not_keep_the_lock_of_a_parent_that_was_killed(lock):
    fork = """
    child = os.fork()
    if child == 0:
        sys.stdin.close()
        os.close(1)
        time.sleep(600)
    print(child, file=sys.stderr, flush=True)"""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(meanwhile=fork.strip()), str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    child = int(process.stderr.readline())
    process.kill()
    process.wait(30)
    try:
        with delivering(lock, wait_s=10) as is_mine:
            assert is_mine
    finally:
        os.kill(child, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
