"""Locks between processes and threads. The others are real processes and threads."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from axonlog.store import FileLock, LockTimeoutError
from axonlog.store._file_lock import ThreadLock

HOLD = """
import os, sys, time
from pathlib import Path
from axonlog.store import FileLock
with FileLock(Path(sys.argv[1])).held():
    {meanwhile}
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path, meanwhile="pass"):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(meanwhile=meanwhile), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def let_go(process):
    process.communicate("", timeout=30)


def is_free(path):
    with FileLock(path).held_if_free() as is_held:
        return is_held


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".axonlog" / "lock"


def test_another_process_has_to_wait_until_its_deadline(path):
    other = holder(path)
    lock, began = FileLock(path), time.monotonic()
    said = "lock: another process has held this lock"
    with pytest.raises(LockTimeoutError, match=said), lock.held(timeout_s=0.2):
        pass
    assert time.monotonic() - began < 30
    let_go(other)
    with lock.held(timeout_s=0):
        pass


def test_whoever_waits_gets_it_when_it_is_given_back(path):
    other = holder(path)
    threading.Timer(0.05, let_go, [other]).start()
    with FileLock(path).held(timeout_s=30):
        assert not is_free(path)
    assert is_free(path)


def test_two_in_one_process_exclude_each_other(path):
    with FileLock(path).held_if_free() as first, FileLock(path).held_if_free() as second:
        assert (first, second) == (True, False)


def test_the_thread_that_has_it_gets_it_again_and_no_other_does(path):
    lock, answers = FileLock(path), []
    with lock.held(), lock.held():
        other = threading.Thread(target=lambda: answers.append(lock.acquire(timeout_s=0.05)))
        other.start()
        other.join()
    assert answers == [False]
    assert is_free(path)


def test_a_killed_process_holds_nothing(path):
    other = holder(path)
    other.kill()
    let_go(other)
    assert is_free(path)


def forked():
    """A forked child that waits to be ended."""
    child = os.fork()
    if child == 0:
        signal.pause()
    return child


def end(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_child_forked_meanwhile_does_not_keep_what_the_parent_gives_back(path):
    with FileLock(path).held():
        child = forked()
    try:
        assert is_free(path)
    finally:
        end(child)


def test_a_child_that_leaves_the_block_takes_nothing_from_the_parent(path):
    lock = FileLock(path)
    with lock.held():
        child = os.fork()
        if child == 0:
            lock.release()
            os._exit(0 if not is_free(path) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not is_free(path)


def test_a_child_can_wait_for_a_lock_that_a_thread_of_the_parent_held(path):
    lock = FileLock(path)
    taken, done = threading.Event(), threading.Event()

    def hold():
        with lock.held():
            taken.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    assert taken.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout_s=30) else 1)
    done.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_does_not_keep_the_lock_of_a_parent_that_was_killed(path):
    fork = """
    child = os.fork()
    if child == 0:
        sys.stdin.close()
        os.close(1)
        time.sleep(600)
    print(child, file=sys.stderr, flush=True)"""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(meanwhile=fork.strip()), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    child = int(process.stderr.readline())
    process.kill()
    process.wait(30)
    try:
        with FileLock(path).held(timeout_s=10):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def test_a_file_that_was_deleted_under_its_holder_is_made_anew(path):
    first, second = FileLock(path), FileLock(path)
    with first.held():
        path.unlink()
        with second.held(timeout_s=0):
            assert not is_free(path)
    assert is_free(path)


def test_where_the_folder_is_missing_nobody_else_can_be(path):
    lock = FileLock(path, makes_folder=False)
    with lock.held(timeout_s=0):
        assert not path.parent.exists()
    path.parent.mkdir()
    with lock.held(timeout_s=0):
        assert not is_free(path)


def test_a_lock_between_threads_has_a_deadline_too():
    lock, taken, done = ThreadLock("the thing"), threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    assert taken.wait(30)
    assert not lock.acquire(timeout_s=0.01)
    done.set()
    other.join()
    with lock, lock:
        pass


def test_a_folder_that_somebody_takes_away_while_it_is_made_is_made_again(tmp_path):
    private = tmp_path / "run" / ".axonlog"

    def take_away_once(is_over):
        while not is_over.is_set():
            with contextlib.suppress(OSError):
                private.rmdir()
                return

    for _ in range(500):
        is_over = threading.Event()
        other = threading.Thread(target=take_away_once, args=(is_over,))
        other.start()
        with FileLock(private / "journal" / "lock").held():
            assert (private / "journal" / "lock").is_file()
        is_over.set()
        other.join()
        shutil.rmtree(private, ignore_errors=True)
