"""Arrays of any library: as NumPy arrays, then as bytes that need no library to be passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axonlog.errors import EventError

from ._libraries import need


def to_array(value: Any, purpose: str) -> Any:
    """``value`` as a NumPy array of booleans, integers or floats, without a copy where possible.

    Args:
        value: A NumPy array or scalar, nested lists of numbers, a list of arrays of one shape, or
            a tensor of torch, JAX, TensorFlow … on any device, with or without gradient.
            Of bfloat16 and the 8-bit floats come float32.
        purpose: Begins the message of an error: "log an image".

    Raises:
        EventError: It holds no numbers, or its library cannot convert it.
        DependencyError: NumPy is not installed.
    """
    numpy = need("numpy", purpose)
    try:
        array = _convert(numpy, value)
    except Exception as error:  # a foreign object's methods may raise anything
        raise EventError(f"cannot {purpose} from a {_name_of(value)}: {error}") from error
    if array.dtype.isbuiltin == 2:  # JAX's bfloat16 and the like, which other processes may lack
        array = array.astype(numpy.float32)
    if array.dtype.kind not in "buif":
        raise EventError(
            f"cannot {purpose} from a {_name_of(value)}: numbers are needed, "
            f"not elements of type {array.dtype}"
        )
    return array


def pack(array: Any, axes: str) -> tuple[bytes, dict[str, Any]]:
    """One contiguous copy of ``array``, and what ``unpack`` needs beside it, as JSON values.

    Args:
        array: Of NumPy.
        axes: A letter for each axis. They may be in another order afterwards: a transposed view
            is copied as it lies in memory, which takes a tenth of the time.
    """
    if not array.flags.c_contiguous:
        order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
        array = array.transpose(order)
        axes = "".join(axes[axis] for axis in order)
    described = {"axes": axes, "shape": list(array.shape), "dtype": array.dtype.str}
    return array.tobytes(), described


def unpack(numpy: Any, buffer: Any, described: Mapping[str, Any], axes: str) -> Any:
    """The array that was packed, with its axes in the order of ``axes``.

    An axis of ``axes`` that it does not have has the length 1. The array cannot be written to.
    """
    array = numpy.frombuffer(buffer, dtype=described["dtype"]).reshape(described["shape"])
    packed = described["axes"]
    missing = [letter for letter in axes if letter not in packed]
    array = array.reshape(*array.shape, *[1 for _ in missing])
    packed += "".join(missing)
    return array.transpose([packed.index(letter) for letter in axes])


def _convert(numpy: Any, value: Any) -> Any:
    if isinstance(value, numpy.ndarray):
        return numpy.asarray(value)  # of a subclass, the plain array
    if isinstance(value, (list, tuple)) and value and hasattr(value[0], "shape"):
        return numpy.stack([_convert(numpy, item) for item in value])
    for step in ("detach", "cpu", "resolve_conj", "resolve_neg"):  # torch
        if hasattr(value, step):
            value = getattr(value, step)()
    try:
        return numpy.asarray(value)
    except TypeError:
        if not hasattr(value, "float"):
            raise
        return numpy.asarray(value.float())  # torch's types that NumPy does not have


def _name_of(value: Any) -> str:
    return type(value).__name__
