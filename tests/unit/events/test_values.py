import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import jax.numpy
import numpy
import pytest
import torch

from axonlog.errors import EventError
from axonlog.events import to_metric_value, to_step, to_timestamp


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (0.5, 0.5),
        (3, 3.0),
        (True, 1.0),
        (Decimal("1.5"), 1.5),
        (Fraction(1, 4), 0.25),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(7), 7.0),
        (numpy.bool_(True), 1.0),
        (numpy.array(0.25), 0.25),
        (numpy.array([[0.75]]), 0.75),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([0.5], requires_grad=True), 0.5),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (jax.numpy.array(0.5), 0.5),
        (float("inf"), math.inf),
    ],
)
def test_whatever_holds_one_number_is_that_number(given, number):
    value = to_metric_value(given)
    assert (value, type(value)) == (number, float)


def test_nan_is_kept():
    assert math.isnan(to_metric_value(numpy.float32("nan")))


@pytest.mark.parametrize(
    "given",
    [
        None,
        "abc",
        "0.25",
        [1.0],
        (1.0,),
        {"a": 1},
        1j,
        object(),
        numpy.array([1.0, 2.0]),
        torch.zeros(3),
    ],
)
def test_what_holds_no_single_number_is_refused(given):
    with pytest.raises(EventError, match="a metric"):
        to_metric_value(given)


def test_an_integer_beyond_a_float_is_refused_as_such():
    with pytest.raises(EventError, match="64-bit"):
        to_metric_value(10**400)


@pytest.mark.parametrize(
    ("given", "step"),
    [
        (None, None),
        (0, 0),
        (-3, -3),
        (10**18, 10**18),
        (1.0, 1),
        (True, 1),
        (numpy.int64(4), 4),
        (numpy.float64(5.0), 5),
        (torch.tensor(6), 6),
    ],
)
def test_a_step_is_any_whole_number_or_none(given, step):
    assert to_step(given) == step


@pytest.mark.parametrize("given", [1.5, "x", "3", float("nan"), float("inf"), [1], object()])
def test_what_is_no_whole_number_is_no_step(given):
    with pytest.raises(EventError, match="whole number"):
        to_step(given)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)),
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)),
        (datetime(2024, 1, 2, 3, 4), datetime(2024, 1, 2, 3, 4, tzinfo=timezone.utc)),
        (
            "2024-01-02 03:04:05.6+02:00".replace(".6", ".600"),
            datetime(2024, 1, 2, 3, 4, 5, 600000, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_a_timestamp_is_a_moment_with_a_zone(given, moment):
    assert to_timestamp(given) == moment


@pytest.mark.parametrize("given", ["not a date", object(), float("nan"), 1e30])
def test_what_names_no_moment_is_no_timestamp(given):
    with pytest.raises(EventError, match="timestamp"):
        to_timestamp(given)


def test_an_array_that_cannot_be_read_is_refused_as_any_other():
    with pytest.raises(EventError, match="a metric must be one number, not Tensor"):
        to_metric_value(torch.empty(1, device="meta"))
