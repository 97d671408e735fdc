import io

import hypothesis
import jax.numpy
import numpy
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonlog import media
from axonlog.errors import EventError
from axonlog.media import _video

# Four frames of 3 channels, 5 high and 6 wide, each of one colour.
COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (9, 9, 9)]
TCHW = numpy.array(COLOURS, dtype=numpy.uint8)[:, :, None, None].repeat(5, 2).repeat(6, 3)


def frames_of(image):
    for index in range(image.n_frames):
        image.seek(index)
        yield numpy.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    "video",
    [
        TCHW,
        TCHW.transpose(0, 2, 3, 1),
        TCHW[None],
        TCHW.transpose(0, 2, 3, 1)[None],
        (TCHW + 0.5) / 255,
        torch.from_numpy(TCHW.copy()),
        torch.from_numpy((TCHW + 0.5) / 255).requires_grad_(),
        jax.numpy.asarray(TCHW),
        list(TCHW),
        [
            PIL.Image.fromarray(frame)
            for frame in numpy.ascontiguousarray(TCHW.transpose(0, 2, 3, 1))
        ],
    ],
    ids=lambda video: f"{type(video).__name__}{getattr(video, 'shape', '')}",
)
def test_a_video_of_any_layout_and_library_is_a_gif(opened, video):
    row, image = opened(media.take_video(video))
    assert row == {"height": 5, "width": 6, "colorspace": 3, "content_type": "gif"}
    assert (image.format, image.info["loop"]) == ("GIF", 0)
    assert [frame.tolist() for frame in frames_of(image)] == [
        [[list(colour)] * 6] * 5 for colour in COLOURS
    ]


@given(st.data())
@hypothesis.settings(max_examples=30)
def test_frames_of_at_most_256_colours_come_back(data):
    count, height, width = (data.draw(st.integers(1, high)) for high in (4, 9, 9))
    size = count * height * width * 3
    content = data.draw(st.binary(min_size=size, max_size=size))
    frames = numpy.frombuffer(content, dtype=numpy.uint8).reshape(count, height, width, 3)
    encoded = media.encode(media.take_video(frames.transpose(0, 3, 1, 2)))
    found = list(frames_of(PIL.Image.open(io.BytesIO(encoded.asset.content))))
    shown = [
        frame
        for before, frame in zip([None, *frames], frames, strict=False)
        if before is None or not numpy.array_equal(before, frame)
    ]
    assert numpy.array_equal(found, shown)


@pytest.mark.parametrize("shape", [(3, 5, 6), (3, 1, 5, 6), (3, 5, 6, 1), (1, 3, 1, 5, 6)])
def test_a_gray_video_is_gray(opened, shape):
    _, image = opened(media.take_video(numpy.linspace(0, 1, 90).reshape(shape)))
    assert image.n_frames == 3
    for frame in frames_of(image):
        assert (frame == frame[:, :, :1]).all()


def test_a_transparent_frame_is_white(opened):
    _, image = opened(media.take_video(numpy.zeros((1, 4, 2, 2))))
    assert next(iter(frames_of(image))).min() == 255


@pytest.mark.parametrize(
    ("batch", "rows", "columns"),
    [(1, 1, 1), (2, 1, 2), (3, 1, 4), (4, 2, 2), (5, 2, 4), (8, 2, 4), (9, 2, 8), (16, 4, 4)],
)
def test_a_batch_plays_side_by_side(opened, batch, rows, columns):
    videos = numpy.arange(10, 10 + batch, dtype=numpy.uint8)[:, None, None, None, None]
    row, image = opened(media.take_video(videos * numpy.ones((1, 1, 3, 2, 2), numpy.uint8)))
    assert (row["height"], row["width"]) == (2 * rows, 2 * columns)
    (frame,) = frames_of(image)
    cells = list(range(10, 10 + batch)) + [0] * (rows * columns - batch)
    assert frame[1::2, 1::2, 0].ravel().tolist() == cells


@pytest.mark.parametrize("fps", [0.01, 0.5, 1, 4, 7, 24, 30, 33.3, 50])
def test_the_frames_last_as_long_as_asked_for(fps):
    shown = _video.durations_cs(100, fps)
    assert sum(shown) == round(100 * 100 / fps)
    assert max(shown) - min(shown) <= 1
    assert min(shown) >= 2


def test_the_durations_are_in_the_file(opened):
    _, image = opened(media.take_video(TCHW, fps=30))
    durations = []
    for index in range(image.n_frames):
        image.seek(index)
        durations.append(image.info["duration"])
    assert durations == [30, 40, 30, 30]


def test_more_frames_than_a_gif_can_play_are_played_slower_and_that_is_said(caplog, opened):
    _, image = opened(media.take_video(TCHW, fps=120))
    assert image.info["duration"] == 20
    assert ["50 frames a second" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("fps", [0, -1, None, "x", float("nan"), float("inf"), 0.001])
def test_a_rate_that_is_none_is_refused(fps):
    with pytest.raises(EventError, match="fps"):
        media.take_video(TCHW, fps=fps)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "NoneType"),
        ("missing.mp4", "no such file for a video"),
        (numpy.zeros((4, 2, 5, 6)), r"shape \(4, 2, 5, 6\)"),
        (numpy.zeros((5, 6)), r"shape \(5, 6\)"),
        (numpy.zeros((0, 3, 5, 6)), "no pixels"),
    ],
)
def test_what_is_no_video_is_refused(value, message):
    with pytest.raises(EventError, match=message):
        media.take_video(value)


@pytest.mark.parametrize("content_type", ["mp4", "video/mp4", "webm"])
def test_an_array_becomes_nothing_else_than_a_gif(content_type):
    with pytest.raises(EventError, match="log its path"):
        media.take_video(TCHW, content_type=content_type)


@pytest.mark.parametrize("content_type", ["gif", "GIF", "image/gif", ".gif"])
def test_gif_has_many_names(opened, content_type):
    assert opened(media.take_video(TCHW, content_type=content_type))[1].format == "GIF"


def test_a_file_is_kept_as_it_is(tmp_path):
    gif, film = tmp_path / "clip.GIF", tmp_path / "film"
    PIL.Image.new("P", (6, 5)).save(gif, format="GIF")
    film.write_bytes(b"film")
    assert media.encode(media.take_video(str(gif))) == media.Encoded(
        {"content_type": "gif"}, media.Asset(gif, "gif")
    )
    assert media.encode(media.take_video(film, content_type="video/mp4")) == media.Encoded(
        {"content_type": "mp4"}, media.Asset(film, "mp4")
    )


def test_the_caller_may_change_the_array_afterwards(opened):
    video = TCHW.copy()
    snapshot = media.take_video(video)
    video[:] = 0
    assert opened(snapshot)[1].n_frames == 4
