"""Audio: arrays of samples become WAV files, files are kept as they are."""

from __future__ import annotations

import io
import wave
from typing import Any

from axonlog.errors import EventError
from axonlog.events import ArtifactKind

from ._arrays import pack, to_array, unpack
from ._files import as_file, extension_of
from ._libraries import need
from ._pixels import say_once
from ._snapshot import Asset, Encoded, Snapshot

_PURPOSE = "log audio"

# More than this is not music but an array whose axes mean something else.
_MOST_CHANNELS = 32

_WAV_NAMES = frozenset({"wav", "wave", "x-wav"})


def take_audio(
    value: Any, *, sample_rate: int = 44100, content_type: str | None = None
) -> Snapshot:
    """A sound, copied.

    Args:
        value: A path of a sound file of any type, which is kept as it is; or samples, as an
            array, tensor or list of shape ``(frames,)``, ``(channels, frames)`` or
            ``(frames, channels)``: the longer axis is time, and of two equal ones the last.
            Axes of length 1 do not count. Floats are amplitudes in -1..1; int8, int16, int32 and
            uint8 fill their range; other integers count as 16-bit samples. What lies outside is
            clipped and NaN becomes silence, and that is said once.
        sample_rate: Frames a second; of an array.
        content_type: ``wav`` for an array, which is also the default. For a path it is what the
            row says, and the extension if the name has none.

    Returns:
        A snapshot whose row has ``sample_rate``, ``num_channels``, ``length_frames`` and
        ``content_type``; of a path other than WAV's only the last, and only if it was given.

    Raises:
        EventError: There is no such file; ``value`` holds no samples or has another shape;
            ``sample_rate`` is no positive whole number; or an array is to become something else
            than WAV.
        DependencyError: NumPy is needed and not installed.
    """
    path = as_file(value, "audio")
    if path is not None:
        extension = extension_of(path) or _subtype(content_type) or "wav"
        kept = {"extension": extension, "content_type": content_type}
        return Snapshot(ArtifactKind.AUDIO, "audio", kept, source=path)
    if (_subtype(content_type) or "wav") not in _WAV_NAMES:
        raise EventError(
            f"cannot write audio as {content_type!r}, only as 'wav': write the file with a "
            "library of your choice and log its path"
        )
    rate = _check_rate(sample_rate)
    samples = to_array(value, _PURPOSE)
    shape = tuple(int(length) for length in samples.shape)
    if not shape or samples.size == 0:
        raise EventError(f"audio of shape {shape} has no samples")
    while samples.ndim > 1 and 1 in samples.shape:
        samples = samples.squeeze(axis=samples.shape.index(1))
    if samples.ndim > 2 or (samples.ndim == 2 and min(samples.shape) > _MOST_CHANNELS):
        raise EventError(
            f"audio of shape {shape} is neither (frames,) nor (channels, frames) nor "
            f"(frames, channels) with at most {_MOST_CHANNELS} channels: log each sound by itself"
        )
    axes = "F" if samples.ndim == 1 else "FC" if samples.shape[0] > samples.shape[1] else "CF"
    buffer, described = pack(samples, axes)
    parameters = {**described, "sample_rate": rate}
    return Snapshot(ArtifactKind.AUDIO, "audio", parameters, (buffer,))


def encode(snapshot: Snapshot) -> Encoded:
    """A WAV file of 16-bit samples, or the file that was given, and the row.

    Raises:
        EventError: There are more bytes than WAV can hold, which is 4 GB.
        DependencyError: NumPy is not installed in this process.
    """
    parameters = snapshot.parameters
    if snapshot.source is not None:
        given = parameters["content_type"]
        row = {} if given is None else {"content_type": given}
        return Encoded(row, Asset(snapshot.source, parameters["extension"]))
    numpy = need("numpy", _PURPOSE)
    samples = to_int16(numpy, unpack(numpy, snapshot.buffers[0], parameters, "FC"))
    frames, channels = samples.shape
    file = io.BytesIO()
    try:
        with wave.open(file, "wb") as writer:
            writer.setnchannels(channels)
            writer.setsampwidth(2)
            writer.setframerate(parameters["sample_rate"])
            writer.writeframes(samples.tobytes())
    except (wave.Error, OverflowError) as error:
        raise EventError(f"{frames} frames of {channels} channels: {error}") from error
    row = {
        "sample_rate": parameters["sample_rate"],
        "num_channels": channels,
        "length_frames": frames,
        "content_type": "audio/wav",
    }
    return Encoded(row, Asset(file.getvalue(), "wav"))


def to_int16(numpy: Any, samples: Any) -> Any:
    """Samples of any type as little-endian 16-bit integers, of the same shape."""
    dtype = samples.dtype
    if dtype.kind in "fb":
        return _from_floats(numpy, samples)
    if dtype.itemsize == 1:
        centred = samples.astype(numpy.int16) - (128 if dtype.kind == "u" else 0)
        return (centred << 8).astype("<i2")
    if dtype.itemsize == 4 and dtype.kind == "i":
        return (samples >> 16).astype("<i2")
    low, high = samples.min(), samples.max()
    if low < -32768 or high > 32767:
        say_once("audio of integers has samples outside -32768..32767, which are clipped")
        samples = samples.clip(max(low, -32768), min(high, 32767))
    return samples.astype("<i2")


def _from_floats(numpy: Any, samples: Any) -> Any:
    if samples.dtype.itemsize < 4:  # half precision ends below 65504 and has eleven bits
        samples = samples.astype(numpy.float32)
    low, high = samples.min(), samples.max()
    if numpy.isnan(low):
        say_once("audio has samples that are NaN: they are silent")
        samples = numpy.where(numpy.isnan(samples), 0, samples)
        low, high = samples.min(), samples.max()
    if low < -1 or high > 1:
        say_once(
            "audio of floats has amplitudes outside -1..1, which are clipped: divide by the largest"
        )
        samples = samples.clip(-1, 1)
    return (samples * 32767.0).astype("<i2")  # towards zero, as the original's


def _check_rate(sample_rate: Any) -> int:
    try:
        rate = int(sample_rate)
        is_whole = rate == sample_rate and 0 < rate < 2**32
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole:
        raise EventError(f"sample_rate must be a whole number of hertz, not {sample_rate!r}")
    return rate


def _subtype(content_type: str | None) -> str:
    return (content_type or "").rpartition("/")[2].lower().lstrip(".")
