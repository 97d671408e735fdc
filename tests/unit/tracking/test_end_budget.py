"""Who gets how much of the time that an end may take."""

import pytest

from axonlog.tracking._end_budget import EndBudget


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_delivery_gets_what_is_left(clock):
    budget = EndBudget(10.0, clock=clock)
    assert budget.background_s == pytest.approx(1.0)
    clock.now += 0.25
    assert budget.background_s == pytest.approx(0.75)
    assert budget.closing_deadline == pytest.approx(106.0)
    assert budget.delivery_s == pytest.approx(9.75)


def test_captures_and_closing_at_their_limits_leave_some_to_the_delivery(clock):
    budget = EndBudget(10.0, clock=clock)
    clock.now = budget.closing_deadline
    assert budget.background_s == 0.0
    assert budget.delivery_s == pytest.approx(4.0)


def test_who_waits_for_no_server_still_has_the_files_closed(clock):
    budget = EndBudget(0.0, clock=clock)
    assert (budget.background_s, budget.delivery_s) == (0.0, 0.0)
    assert budget.closing_deadline == pytest.approx(102.0)
