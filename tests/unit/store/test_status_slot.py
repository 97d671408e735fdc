"""The status of an attempt in reserved bytes."""

from datetime import datetime, timezone

import pytest

from axonlog.store import Condition
from axonlog.store._status_slot import read_status, reserve_status, write_status

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)


def condition(status="succeeded", message="m", reason="r"):
    return Condition(type=status, reason=reason, message=message, last_transition_time=MOMENT)


@pytest.fixture
def slot(tmp_path):
    reserve_status(tmp_path / "slot")
    return tmp_path / "slot"


def test_the_newest_status_is_read_back(slot):
    assert read_status(slot) is None
    for status in ("succeeded", "running", "failed"):
        write_status(slot, condition(status, message="ä" * 50))
        assert read_status(slot) == condition(status, message="ä" * 50)


def test_it_takes_no_room_that_was_not_reserved(slot):
    before = slot.stat()
    assert before.st_blocks * 512 >= before.st_size  # really there, no hole
    write_status(slot, condition(message="x" * 3000))
    after = slot.stat()
    assert (after.st_size, after.st_blocks) == (before.st_size, before.st_blocks)


@pytest.mark.parametrize("character", ["x", "\0", "\U0001f600"])
def test_a_message_that_is_too_long_is_cut(slot, character):
    write_status(slot, condition(message=character * 50_000, reason=character * 50_000))
    assert read_status(slot).message == character * 500


def test_half_of_a_status_is_none(slot):
    write_status(slot, condition())
    block = bytearray(slot.read_bytes())
    block[30] ^= 0xFF
    slot.write_bytes(block)
    assert read_status(slot) is None
    slot.write_bytes(b"\0\0")
    assert read_status(slot) is None
    slot.unlink()
    assert read_status(slot) is None


def test_where_nothing_was_reserved_nothing_is_written(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_status(tmp_path / "slot", condition())
