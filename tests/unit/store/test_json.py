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


@given(ANYTHING)
def test_any_value_can_be_written(value):
    json.dumps(to_json_value(value), allow_nan=False).encode("utf-8")
