import dataclasses
import enum
import json
import math
from collections import OrderedDict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonlog.store import to_json_value


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Settings:
    lr: float
    layers: tuple[int, ...]


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    def __call__(self):
        raise AssertionError("a user's object was called")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.float32(0.5), 0.5),
        (numpy.array([1, 2]), [1, 2]),
        (torch.tensor([1.0, 2.0]), [1.0, 2.0]),
        (Decimal("1.5"), 1.5),
        (math.inf, None),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Path("a/b"), "a/b"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00+00:00"),
        (Settings(0.1, (1, 2)), {"lr": 0.1, "layers": [1, 2]}),
        (
            MappingProxyType(
                {
                    1: {
                        2,
                    }
                }
            ),
            {"1": [2]},
        ),
        (OrderedDict(a=(1,)), {"a": [1]}),
        (math.sqrt, "math.sqrt"),
        (torch.nn.ReLU, "torch.nn.modules.activation.ReLU"),
        ("\ud800", "?"),
        (Hostile(), "<Hostile>"),
    ],
)
def test_a_value_becomes_what_json_can_hold(value, expected):
    assert to_json_value(value) == expected


def test_what_holds_itself_ends_at_once():
    cycle = {"n": 1}
    cycle.update(left=cycle, right=[cycle], up={"again": cycle})
    assert to_json_value(cycle) == {"n": 1, "left": "...", "right": ["..."], "up": {"again": "..."}}


def test_what_shares_its_parts_does_not_grow_without_bound():
    shared = [1]
    for _ in range(19):
        shared = [shared, shared]
    assert len(json.dumps(to_json_value(shared))) < 2_000_000


def test_keys_are_cleaned_like_values():
    assert to_json_value({"a\udcff": {3: 1}}) == {"a?": {"3": 1}}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (list(range(300_000)), {"type": "list", "length": 300_000, "first": list(range(10))}),
        (tuple([0.5] * 20_000), {"type": "tuple", "length": 20_000, "first": [0.5] * 10}),
        ([[0] * 100] * 101, {"type": "list", "length": 101, "first": ["..."] * 10}),
        (
            {f"k{i}": i for i in range(20_000)},
            {"type": "dict", "length": 20_000, "first": {f"k{i}": i for i in range(10)}},
        ),
        (numpy.zeros((300, 100)), {"type": "ndarray", "shape": [300, 100], "first": [0.0] * 10}),
        (torch.ones(20_000), {"type": "Tensor", "shape": [20_000], "first": [1.0] * 10}),
        ("x" * 200_000, {"type": "str", "length": 200_000, "first": "x" * 1000}),
    ],
)
def test_what_is_too_large_is_described(value, described):
    converted = to_json_value(value)
    digest = converted.pop("digest", None)
    assert converted == described
    assert digest is None or len(digest) == 12
    assert len(json.dumps(to_json_value({"deep": [value]}))) < 5000


def test_the_digest_of_a_large_list_tells_it_from_others():
    numbers = list(range(300_000))
    digests = {to_json_value(value)["digest"] for value in (numbers, tuple(numbers), numbers[1:])}
    assert len(digests) == 2


@given(ANYTHING)
def test_any_value_can_be_written(value):
    json.dumps(to_json_value(value), allow_nan=False).encode("utf-8")
