"""Video: arrays of frames become GIF files, files are kept as they are."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from axonlog.errors import EventError
from axonlog.events import ArtifactKind

from ._arrays import pack, to_array, unpack
from ._files import as_file, extension_of
from ._image import flatten, write_image
from ._libraries import need
from ._pixels import say_once, to_uint8
from ._snapshot import Asset, Encoded, Snapshot

_PURPOSE = "log a video"

# A GIF counts in hundredths of a second, and browsers show a frame of one hundredth ten times as
# long.
_SHORTEST_FRAME_CS = 2
_LONGEST_FRAME_CS = 65535

_CHANNELS = (1, 3, 4)


def take_video(value: Any, *, fps: float = 4, content_type: str | None = None) -> Snapshot:
    """A video, copied.

    Args:
        value: A path of a video file of any type, which is kept as it is; or frames, as an array,
            tensor or list of arrays of shape ``(batch, time, channels, height, width)``,
            ``(time, channels, height, width)`` or ``(time, height, width)``, with 1, 3 or 4
            channels; they may also be the last axis. The videos of a batch play side by side, in a
            grid that is filled up with black to a power of two. Pixels are uint8, or floats in
            0..1, or else as in ``_pixels.to_uint8``.
        fps: Frames a second, from 0.01; of an array. A GIF plays at most 50.
        content_type: ``gif`` for an array, which is also the default. For a path it is the
            extension if the name has none.

    Returns:
        A snapshot whose row has ``height`` and ``width`` in pixels, ``colorspace``, which is 3, and
        ``content_type``; of a path the size only where Pillow can read it (GIF, WebP).

    Raises:
        EventError: There is no such file, the shape is another, ``fps`` is too small or no number,
            or an array is to become something else than GIF.
        DependencyError: NumPy or Pillow is needed and not installed.
    """
    path = as_file(value, "a video")
    wanted = (content_type or "").rpartition("/")[2].lower().lstrip(".") or "gif"
    if path is not None:
        extension = extension_of(path) or wanted
        return Snapshot(ArtifactKind.VIDEO, "video", {"extension": extension}, source=path)
    if wanted != "gif":
        raise EventError(
            f"cannot write a video as {content_type!r}, only as 'gif': write the file with a "
            "library of your choice and log its path"
        )
    rate = _check_fps(fps)
    need("PIL", _PURPOSE)
    frames = to_array(value, _PURPOSE)
    buffer, described = pack(frames, _axes_of(tuple(int(length) for length in frames.shape)))
    return Snapshot(ArtifactKind.VIDEO, "video", {**described, "fps": rate}, (buffer,))


def encode(snapshot: Snapshot) -> Encoded:
    """A GIF that plays for ever, or the file that was given, and the row.

    Frames that are equal to the one before are not stored, but shown longer. A frame of more than
    256 colours is shown in the 256 that suit it best.

    Raises:
        EventError: A GIF does not hold frames of that size.
        DependencyError: NumPy or Pillow is not installed in this process.
    """
    parameters = snapshot.parameters
    if snapshot.source is not None:
        extension = parameters["extension"]
        return Encoded({"content_type": extension}, Asset(snapshot.source, extension))
    numpy = need("numpy", _PURPOSE)
    pixels = unpack(numpy, snapshot.buffers[0], parameters, "BTHWC")
    pixels = _side_by_side(numpy, to_uint8(numpy, pixels))
    if pixels.shape[3] == 1:
        pixels = pixels.repeat(3, axis=3)
    module = need("PIL.Image", _PURPOSE)
    images = [flatten(module.fromarray(frame)) for frame in numpy.ascontiguousarray(pixels)]
    content = write_image(
        images[0],
        "gif",
        save_all=True,
        append_images=images[1:],
        duration=[10 * hundredths for hundredths in durations_cs(len(images), parameters["fps"])],
        loop=0,
    )
    row = {
        "height": images[0].height,
        "width": images[0].width,
        "colorspace": 3,
        "content_type": "gif",
    }
    return Encoded(row, Asset(content, "gif"))


def durations_cs(frames: int, fps: float) -> list[int]:
    """How long each frame is shown, in hundredths of a second.

    Rounded so that the whole has the right length, which thirty times three hundredths has not.
    """
    ends = [round(100 * frame / fps) for frame in range(frames + 1)]
    shown = [end - start for start, end in pairwise(ends)]
    if fps > 100 / _SHORTEST_FRAME_CS:
        say_once("a GIF plays at most 50 frames a second: a video with a higher fps plays slower")
    return [max(duration, _SHORTEST_FRAME_CS) for duration in shown]


def _check_fps(fps: Any) -> float:
    try:
        rate = float(fps)
    except (TypeError, ValueError):
        rate = math.nan
    if not 100 / _LONGEST_FRAME_CS < rate < math.inf:
        raise EventError(f"fps must be a number of at least 0.01, not {fps!r}")
    return rate


def _axes_of(shape: tuple[int, ...]) -> str:
    if math.prod(shape) == 0:
        raise EventError(f"a video of shape {shape} has no pixels")
    if len(shape) == 3:
        return "THW"
    batch = "B" * (len(shape) - 4)
    if len(shape) in (4, 5) and shape[-3] in _CHANNELS:
        return f"{batch}TCHW"
    if len(shape) in (4, 5) and shape[-1] in _CHANNELS:
        return f"{batch}THWC"
    raise EventError(
        f"a video of shape {shape} is neither (time, channels, height, width), also with a batch "
        "before it, nor (time, height, width); it has 1, 3 or 4 channels"
    )


def _side_by_side(numpy: Any, videos: Any) -> Any:
    """THWC of BTHWC: as the original, in twice as many columns as rows, or as many."""
    batch, time, height, width, channels = videos.shape
    rows = 2 ** ((batch.bit_length() - 1) // 2)
    columns = 2 ** (batch - 1).bit_length() // rows
    cells = numpy.zeros((rows * columns, time, height, width, channels), dtype=numpy.uint8)
    cells[:batch] = videos
    cells = cells.reshape(rows, columns, time, height, width, channels)
    cells = cells.transpose(2, 0, 3, 1, 4, 5)
    return cells.reshape(time, rows * height, columns * width, channels)
