"""The retry policy, rule by rule, on a clock that only the test moves."""

import random

import pytest

from axonlog.delivery import RetryPolicy, retry_delay_s
from axonlog.delivery._failure_tracker import FailureTracker
from axonlog.errors import ContextError, RefusedError, ServerError, TransportError

AWAY = TransportError("connection refused", reason="refused")
DENIED = RefusedError("401", status=401)


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def policy(clock):
    return RetryPolicy(clock=clock, jitter=lambda: 0.0)


def pauses(policy, clock, errors):
    """The pause after each failure; each is waited for."""
    found = []
    for error in errors:
        policy.failed(error)
        found.append(policy.wait_s())
        clock.now += policy.wait_s()
    return found


def server_error(status, **facts):
    return ServerError(f"answered {status}", status=status, **facts)


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        TransportError("reset", reason="reset"),
        TransportError("timed out", reason="timeout"),
        server_error(408),
        server_error(425),
        server_error(429),
        server_error(500),
        server_error(502),
        server_error(503),
        server_error(507),
        server_error(405, is_disguised=True),
        server_error(400, is_disguised=True),
        OSError("no space left on device"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_after_a_pause_that_doubles(policy, clock, error):
    assert pauses(policy, clock, [error] * 8) == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize("error", [server_error(400), server_error(404), ContextError("no")])
def test_what_is_wrong_for_good_is_asked_again_now_and_then(policy, clock, error):
    assert pauses(policy, clock, [error] * 3) == [120, 120, 120]


def test_up_to_half_of_a_pause_is_taken_off_at_random():
    assert retry_delay_s(3, AWAY, jitter=lambda: 1.0) == 2.0
    assert retry_delay_s(3, AWAY, jitter=lambda: 0.5) == 3.0


def test_it_does_not_overflow(policy, clock):
    assert retry_delay_s(100_000, AWAY, jitter=lambda: 0.0) == 30.0
    assert pauses(policy, clock, [DENIED] * 2_000)[-1] == 1800


@pytest.mark.parametrize(("asked", "pause"), [(60.0, 60.0), (0.1, 1.0), (86_400.0, 600.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_what_the_server_asks_for_is_kept_to_within_reason(policy, clock, status, asked, pause):
    assert pauses(policy, clock, [server_error(status, retry_after_s=asked)]) == [pause]


def test_the_end_of_a_run_hurries_but_not_against_the_wish_of_the_server(policy, clock):
    pauses(policy, clock, [AWAY] * 8)
    policy.failed(AWAY)
    policy.retry_now()
    assert policy.wait_s() == 0
    policy.failed(AWAY)
    assert policy.wait_s() == 2
    policy.failed(server_error(429, retry_after_s=7.0))
    policy.retry_now()
    assert policy.wait_s() == 7


def test_while_somebody_waits_for_the_end_the_pauses_are_short(policy, clock):
    pauses(policy, clock, [AWAY] * 8)
    policy.retry_now(is_last=True)
    assert pauses(policy, clock, [AWAY] * 4) == [1, 1, 1, 1]
    assert pauses(policy, clock, [server_error(503, retry_after_s=5.0)]) == [5]


def test_when_nobody_waits_any_more_the_pauses_grow_again(policy, clock):
    policy.retry_now(is_last=True)
    pauses(policy, clock, [AWAY] * 8)
    policy.reset()
    assert pauses(policy, clock, [AWAY]) == [30]


def test_a_training_that_was_seeded_draws_the_same_numbers_whatever_the_server_does():
    before = random.getstate()
    retry_delay_s(1, AWAY)
    RetryPolicy().failed(AWAY)
    FailureTracker().note_failure("file", "a", 1, AWAY)
    assert random.getstate() == before


def test_a_success_starts_the_count_anew(policy, clock):
    pauses(policy, clock, [AWAY] * 5)
    policy.succeeded(0.1)
    assert (policy.wait_s(), policy.failure) == (2, None)
    assert pauses(policy, clock, [AWAY]) == [1]


def test_a_slow_server_gets_as_long_a_pause_as_it_took(policy):
    policy.succeeded(9.0)
    assert policy.wait_s() == 9
    policy.succeeded(9.0, has_more=True)
    assert policy.wait_s() == 0


def test_refused_credentials_pause_for_long_and_longer(policy, clock):
    assert pauses(policy, clock, [DENIED] * 5) == [300, 600, 1200, 1800, 1800]
    assert policy.is_paused
    policy.succeeded(0.1)
    assert not policy.is_paused


def test_trouble_is_told_once_and_its_end_once(policy):
    assert [policy.failed(AWAY) for _ in range(5)] == [None, "failure", None, None, None]
    assert [policy.succeeded(0.1) for _ in range(3)] == ["over", None, None]


def test_a_single_failure_is_nobodys_business(policy):
    assert [policy.failed(AWAY), policy.succeeded(0.1), policy.failed(AWAY)] == [None, None, None]


def test_what_no_second_attempt_can_mend_is_told_at_once(policy):
    assert policy.failed(server_error(400)) == "failure"


def test_a_server_that_comes_and_goes_is_told_of_once_in_ten_minutes(policy, clock):
    def outage():
        return [policy.failed(AWAY), policy.failed(AWAY), policy.succeeded(0.1)]

    assert outage() == [None, "failure", "over"]
    clock.now += 599
    assert outage() == [None, None, None]
    clock.now += 1
    assert outage() == [None, "failure", "over"]


def test_refused_credentials_are_told_at_once_and_once(policy):
    assert [policy.failed(DENIED) for _ in range(3)] == ["paused", None, None]
    assert policy.succeeded(0.1) == "over"


def test_a_trouble_that_the_start_has_told_of_is_not_told_again(policy):
    policy.start_failed(AWAY)
    assert policy.wait_s() == 1
    assert [policy.failed(AWAY) for _ in range(3)] == [None, None, None]
    assert policy.succeeded(0.1) == "over"
