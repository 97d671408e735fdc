"""Numbers of any type as the 8-bit channels that image formats hold."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger("axonlog")

_said: set[str] = set()


def say_once(message: str) -> None:
    """Warn of a value that is kept otherwise than it was given; once a process for each message."""
    if message not in _said:
        _said.add(message)
        _log.warning(message)


def to_uint8(numpy: Any, array: Any) -> Any:
    """``array`` with 0 as black and 255 as full.

    Floats and booleans are multiplied by 255, and what is then no whole number is cut, as in the
    original. So are integers that are all 0 or 1, which is what a mask is made of. Other integers
    are 8-bit values already, except those of uint16, which fill their whole range.

    What lies outside the range is clipped, and NaN becomes 0; each is said once. (The original
    lets them wrap around: 1.01 came out as black.)

    Args:
        numpy: The module.
        array: Of any shape; not empty. Not changed.
    """
    dtype = array.dtype
    if dtype == numpy.uint8:
        return array
    if dtype.kind == "b":
        return array.astype(numpy.uint8) * numpy.uint8(255)
    if dtype.kind == "f":
        return _from_floats(numpy, array)
    low, high = array.min(), array.max()
    if low >= 0 and high <= 1:
        return array.astype(numpy.uint8) * numpy.uint8(255)
    if dtype.itemsize == 2 and dtype.kind == "u":
        return (array // 257).astype(numpy.uint8)
    if low < 0 or high > 255:
        say_once(
            "an image of integers has pixels outside 0..255, which are clipped: "
            "convert it to uint8, or to floats in 0..1"
        )
        array = array.clip(max(low, 0), min(high, 255))
    return array.astype(numpy.uint8)


def _from_floats(numpy: Any, array: Any) -> Any:
    # The original's arithmetic, in single precision: the same pixels to the bit.
    with numpy.errstate(over="ignore", invalid="ignore"):
        scaled = array.astype(numpy.float32) * numpy.float32(255)
    low, high = scaled.min(), scaled.max()
    if numpy.isnan(low):
        say_once("an image has pixels that are NaN: they are shown as 0, which is black")
        numpy.copyto(scaled, 0, where=numpy.isnan(scaled))
        low, high = scaled.min(), scaled.max()
    if low < 0 or high > 255:
        say_once(
            "an image of floats has pixels outside 0..1, which are clipped: if they are 0..255, "
            "then convert it to uint8 or divide by 255"
        )
        numpy.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(numpy.uint8)
