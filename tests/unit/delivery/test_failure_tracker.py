"""One thing that the server does not take holds up nothing else."""

import sys
import threading

import pytest

from axonlog.delivery import FailureTracker
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
def tracker(clock):
    return FailureTracker(clock=clock, jitter=lambda: 0.0)


@pytest.mark.parametrize("error", [NO, EventError("no such name")])
def test_what_is_refused_is_given_up_in_this_version(tracker, error):
    assert tracker.note_failure("file", "a", 1, error)
    assert not tracker.may_try("file", "a", 1)
    assert tracker.is_failed("file", "a", 1)
    assert tracker.may_try("file", "a", 2)
    assert not tracker.is_failed("file", "a", 2)
    assert tracker.may_try("file", "b", 1)


def test_what_may_pass_is_tried_again_after_a_growing_pause(tracker, clock):
    for pause in (1, 2, 4):
        assert not tracker.note_failure("file", "a", 1, INSIDE)
        clock.now += pause - 0.1
        assert not tracker.may_try("file", "a", 1)
        clock.now += 0.1
        assert tracker.may_try("file", "a", 1)


def test_at_the_end_nothing_waits_for_its_time(tracker):
    tracker.note_failure("file", "a", 1, INSIDE)
    tracker.retry_now()
    assert tracker.may_try("file", "a", 1)
    tracker.note_failure("file", "b", 1, NO)
    tracker.retry_now()
    assert not tracker.may_try("file", "b", 1)


def test_a_failure_inside_is_given_up_only_when_others_of_its_kind_get_through(tracker):
    assert not any(tracker.note_failure("file", "a", 1, INSIDE) for _ in range(20))
    tracker.note_success("field", "name")
    assert not tracker.note_failure("file", "a", 1, INSIDE)
    tracker.note_success("file", "b")
    assert tracker.note_failure("file", "a", 1, INSIDE)
    assert tracker.is_failed("file", "a", 1)


def test_a_file_that_cannot_be_read_is_no_reason_to_doubt_the_server(tracker):
    error = TransportError("ended early", reason="file")
    assert not tracker.note_failure("file", "a", 1, error)
    assert tracker.last_error() is error
    tracker.note_success("file", "a")
    assert tracker.last_error() is None


def test_the_newest_failure_can_be_asked_for_while_another_thread_delivers():
    # In CPython a thread switch between any two bytecodes becomes likely.
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    tracker, stop = FailureTracker(), threading.Event()
    error = ServerError("full", status=507)

    def deliver():
        while not stop.is_set():
            for number in range(50):
                tracker.note_failure("file", str(number), 1, error)
            for number in range(50):
                tracker.note_success("file", str(number))

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        answers = {tracker.last_error() for _ in range(2000)}
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
    assert answers <= {None, error}
