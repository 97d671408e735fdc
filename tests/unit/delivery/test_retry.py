import pytest

from axonlog.delivery import retry_delay_s
from axonlog.errors import ServerError, TransportError

AWAY = TransportError("refused")


def test_the_pause_doubles_up_to_half_a_minute():
    pauses = [retry_delay_s(failures, AWAY, jitter=lambda: 0.0) for failures in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_at_most_half_of_it_is_taken_off_at_random():
    assert retry_delay_s(3, AWAY, jitter=lambda: 1.0) == 2.0


def test_it_does_not_overflow():
    assert retry_delay_s(100_000, AWAY, jitter=lambda: 0.0) == 30.0


@pytest.mark.parametrize(("asked", "pause"), [(60.0, 60.0), (0.1, 1.0)])
def test_what_the_server_asks_for_is_kept_to(asked, pause):
    error = ServerError("busy", status=429, retry_after_s=asked)
    assert retry_delay_s(1, error, jitter=lambda: 0.0) == pause
