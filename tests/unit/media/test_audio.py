import io
import wave

import hypothesis.extra.numpy as arrays
import jax.numpy
import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonlog import media
from axonlog.errors import EventError


def heard(snapshot):
    """Row, and samples of shape (frames, channels), of the file that is made."""
    encoded = media.encode(snapshot)
    with wave.open(io.BytesIO(encoded.asset.content)) as reader:
        assert reader.getsampwidth() == 2
        assert reader.getframerate() == encoded.row["sample_rate"]
        samples = numpy.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
        assert encoded.asset.extension == "wav"
        return encoded.row, samples.reshape(-1, reader.getnchannels())


@given(
    arrays.arrays(
        numpy.int16,
        st.tuples(st.integers(5, 40), st.integers(1, 4)),
        elements=st.integers(-32767, 32767),
    ),
    st.sampled_from(["int16", "int32", "int64", "float32", "float64", ">i2"]),
    st.booleans(),
)
def test_samples_of_any_layout_and_type_come_back(samples, dtype, channels_first):
    if dtype.startswith("float"):
        # Half a step from zero: the original cuts, and a product may lie just below.
        given_as = numpy.clip((samples + numpy.sign(samples) * 0.5) / 32767, -1, 1).astype(dtype)
    else:
        given_as = samples.astype(dtype) * (65536 if dtype == "int32" else 1)
    row, found = heard(media.take_audio(given_as.T if channels_first else given_as))
    assert numpy.array_equal(found, samples)
    assert row == {
        "sample_rate": 44100,
        "num_channels": samples.shape[1],
        "length_frames": samples.shape[0],
        "content_type": "audio/wav",
    }


@pytest.mark.parametrize(
    ("shape", "frames", "channels"),
    [
        ((8,), 8, 1),
        ((1, 8), 8, 1),
        ((8, 1), 8, 1),
        ((2, 8), 8, 2),  # an AssertionError in the original
        ((8, 2), 8, 2),
        ((1, 2, 8), 8, 2),
        ((2, 2), 2, 2),
        ((1, 1), 1, 1),
    ],
)
def test_the_longer_axis_is_time(shape, frames, channels):
    row, samples = heard(media.take_audio(numpy.zeros(shape), sample_rate=8000))
    assert samples.shape == (frames, channels)
    assert (row["num_channels"], row["length_frames"]) == (channels, frames)


def test_of_two_equal_axes_the_last_is_time():
    _, samples = heard(media.take_audio(numpy.array([[1, 2], [3, 4]], dtype=numpy.int16)))
    assert samples.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    "sound",
    [
        [0.0, 0.5, -1.0],
        torch.tensor([0.0, 0.5, -1.0], requires_grad=True),
        torch.tensor([[0.0, 0.5, -1.0]], dtype=torch.bfloat16),
        jax.numpy.array([0.0, 0.5, -1.0]),
        numpy.array([0.0, 0.5, -1.0], dtype=numpy.float16),
    ],
)
def test_sound_of_any_library_is_the_same(sound):
    assert heard(media.take_audio(sound))[1][:, 0].tolist() == [0, 16383, -32767]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 128, 255], "uint8", [-32768, 0, 127 * 256]),
        ([-128, 0, 127], "int8", [-32768, 0, 127 * 256]),
        ([-(2**31), 65536], "int32", [-32768, 1]),
        ([False, True], "bool", [0, 32767]),
    ],
)
def test_integers_fill_the_range_of_their_type(values, dtype, expected):
    _, samples = heard(media.take_audio(numpy.array(values, dtype=dtype)))
    assert samples[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ([2.0, -9.0, 0.0], [32767, -32767, 0], "clipped"),
        ([float("nan"), 1.0], [0, 32767], "NaN"),
        ([float("inf"), float("-inf")], [32767, -32767], "clipped"),
        ([40_000, -40_000], [32767, -32768], "clipped"),
    ],
)
def test_what_is_outside_the_range_is_clipped_and_that_is_said_once(caplog, values, expected, said):
    for _ in range(2):
        assert heard(media.take_audio(values))[1][:, 0].tolist() == expected
    assert [said in message for message in caplog.messages] == [True]


def test_the_caller_may_change_the_array_afterwards():
    sound = numpy.ones(4)
    snapshot = media.take_audio(sound)
    sound[:] = 0
    assert heard(snapshot)[1][:, 0].tolist() == [32767] * 4


@pytest.mark.parametrize("content_type", [None, "wav", "WAV", ".wav", "audio/wav", "audio/x-wav"])
def test_wav_has_many_names(content_type):
    row, _ = heard(media.take_audio([0.5], content_type=content_type))
    assert row["content_type"] == "audio/wav"


@pytest.mark.parametrize("content_type", ["mp3", "audio/mpeg", "flac"])
def test_samples_are_not_written_under_a_name_that_lies(content_type):
    # The original writes WAV into a `.mp3`.
    with pytest.raises(EventError, match="log its path"):
        media.take_audio([0.5], content_type=content_type)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "NoneType"),
        ("missing.wav", "no such file for audio"),
        (0.5, r"shape \(\)"),
        ([], "no samples"),
        (numpy.zeros((3, 2, 8)), r"shape \(3, 2, 8\)"),
        (numpy.zeros((100, 200)), "32 channels"),
        (numpy.zeros(4, complex), "complex"),
    ],
)
def test_what_is_no_sound_is_refused(value, message):
    with pytest.raises(EventError, match=message):
        media.take_audio(value)


@pytest.mark.parametrize("rate", [0, -1, 0.5, None, "x", float("nan"), 2**32])
def test_a_sample_rate_that_is_none_is_refused(rate):
    with pytest.raises(EventError, match="sample_rate"):
        media.take_audio([0.5], sample_rate=rate)


def test_a_sample_rate_of_any_type_is_whole():
    row, _ = heard(media.take_audio([0.5], sample_rate=numpy.float64(8000)))
    assert (row["sample_rate"], type(row["sample_rate"])) == (8000, int)


def test_a_wav_file_is_kept_as_it_is(tmp_path):
    path = tmp_path / "beep.take.WAV"
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(1)
        writer.setframerate(8000)
        writer.writeframes(bytes(20))
    assert media.encode(media.take_audio(path)) == media.Encoded({}, media.Asset(path, "take.wav"))


def test_another_file_is_kept_with_what_the_caller_says(tmp_path):
    path = tmp_path / "song"
    path.write_bytes(b"ID3")
    assert media.encode(media.take_audio(path)) == media.Encoded({}, media.Asset(path, "wav"))
    assert media.encode(media.take_audio(path, content_type="audio/mp3")) == media.Encoded(
        {"content_type": "audio/mp3"}, media.Asset(path, "mp3")
    )
