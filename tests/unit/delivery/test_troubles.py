"""One thing that the server does not take holds up nothing else."""

import sys
import threading

import pytest

from axonlog.delivery import Troubles
from axonlog.errors import EventError, ServerError, TransportError

NO = ServerError("413", status=413)
INSIDE = ServerError("405", status=405, is_disguised=True)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def troubles(clock):
    return Troubles(clock=clock, jitter=lambda: 0.0)


@pytest.mark.parametrize("error", [NO, EventError("no such name")])
def test_what_is_refused_is_given_up_in_this_version(troubles, error):
    assert troubles.note_failure("file", "a", 1, error)
    assert not troubles.may_try("file", "a", 1)
    assert troubles.is_failed("file", "a", 1)
    assert troubles.may_try("file", "a", 2)
    assert not troubles.is_failed("file", "a", 2)
    assert troubles.may_try("file", "b", 1)


def test_what_may_pass_is_tried_again_after_a_growing_pause(troubles, clock):
    for pause in (1, 2, 4):
        assert not troubles.note_failure("file", "a", 1, INSIDE)
        clock.now += pause - 0.1
        assert not troubles.may_try("file", "a", 1)
        clock.now += 0.1
        assert troubles.may_try("file", "a", 1)


def test_at_the_end_nothing_waits_for_its_time(troubles):
    troubles.note_failure("file", "a", 1, INSIDE)
    troubles.hurry()
    assert troubles.may_try("file", "a", 1)
    troubles.note_failure("file", "b", 1, NO)
    troubles.hurry()
    assert not troubles.may_try("file", "b", 1)


def test_a_failure_inside_is_given_up_only_when_others_of_its_kind_get_through(troubles):
    assert not any(troubles.note_failure("file", "a", 1, INSIDE) for _ in range(20))
    troubles.note_success("field", "name")
    assert not troubles.note_failure("file", "a", 1, INSIDE)
    troubles.note_success("file", "b")
    assert troubles.note_failure("file", "a", 1, INSIDE)
    assert troubles.is_failed("file", "a", 1)


def test_a_file_that_cannot_be_read_is_no_reason_to_doubt_the_server(troubles):
    error = TransportError("ended early", reason="file")
    assert not troubles.note_failure("file", "a", 1, error)
    assert troubles.last_error() is error
    troubles.note_success("file", "a")
    assert troubles.last_error() is None


def test_the_newest_failure_can_be_asked_for_while_another_thread_delivers():
    # In CPython a thread switch between any two bytecodes becomes likely.
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    troubles, stop = Troubles(), threading.Event()
    error = ServerError("full", status=507)

    def deliver():
        while not stop.is_set():
            for number in range(50):
                troubles.note_failure("file", str(number), 1, error)
            for number in range(50):
                troubles.forget("file", str(number))

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        answers = {troubles.last_error() for _ in range(2000)}
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
    assert answers <= {None, error}
