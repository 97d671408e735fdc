"""Images: files, arrays and tensors, Pillow's, figures of matplotlib, images with boxes."""

from __future__ import annotations

import io
import math
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from axonlog.errors import EventError
from axonlog.events import ArtifactKind

from ._arrays import pack, to_array, unpack
from ._files import as_file, extension_of
from ._libraries import need
from ._pixels import to_uint8
from ._snapshot import Asset, Encoded, Snapshot

_PURPOSE = "log an image"

# Extension -> Pillow's format, and how to write it. PNG at level 3 takes a quarter of the time of
# Pillow's default for a smooth image, for no more bytes; a photograph takes the same at any level.
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("PNG", {"compress_level": 3}),
    "jpg": ("JPEG", {"quality": 90}),
    "jpeg": ("JPEG", {"quality": 90}),
    "webp": ("WEBP", {"quality": 90}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tif": ("TIFF", {}),
    "tiff": ("TIFF", {}),
}
_WITHOUT_ALPHA = frozenset({"JPEG", "BMP"})

_GRID_COLUMNS = 8


def take_image(
    value: Any, *, rescale: float = 1, dataformats: str = "CHW", ext: str | None = None
) -> Snapshot:
    """An image, copied.

    Args:
        value: One of
            a path of an image file, which is kept as it is;
            an array, tensor or nested lists of numbers: uint8, or floats in 0..1, or else as in
            ``_pixels.to_uint8``; 1 (shown as gray), 2 (gray and alpha), 3 or 4 channels;
            an image of Pillow, or a figure of matplotlib, which stays open;
            a list of those, of which a grid is made, with eight in a row;
            an object whose ``encoded_image_string`` is the content of an image file.
        rescale: Factor for height and width of the kept image. The row has those of ``value``, as
            the original's. Without effect on a path.
        dataformats: The axes of an array, in order: of ``HW``, ``CHW`` or ``NCHW`` each letter
            once. With N, a grid is made of the N images.
        ext: ``png`` (the default), ``jpg``, ``webp``, ``gif``, ``bmp`` or ``tiff``. A path keeps
            its own, if it has one. A format without transparency shows the image on white.

    Returns:
        A snapshot whose row has ``height`` and ``width`` in pixels and ``colorspace``, the number
        of channels; of a path, where Pillow is installed and can read it, else none of them.

    Raises:
        EventError: There is no such file, ``value`` is no image, the axes do not fit, ``rescale``
            leaves no pixel, or no such format can be written.
        DependencyError: NumPy or Pillow is needed and not installed.
    """
    path = as_file(value, "an image")
    if path is not None:
        parameters = {"form": "file", "extension": extension_of(path) or _bare(ext) or "png"}
        return _snapshot(parameters, source=path)
    options = {"rescale": _check_rescale(rescale), "extension": _check_extension(ext)}
    if hasattr(value, "encoded_image_string"):
        return _take_content(value.encoded_image_string, options)
    need("PIL", _PURPOSE)
    if _is_pillow(value):
        return _take_pixels(*_from_pillow(value), options)
    if _is_figure(value) or _is_list_of(_is_figure, value):
        return take_figure(value, close=False, rescale=rescale, ext=ext)
    if _is_list_of(_is_pillow, value):
        numpy = need("numpy", _PURPOSE)
        mode = "RGBA" if any("A" in _mode_of(picture) for picture in value) else "RGB"
        pictures = [numpy.asarray(picture.convert(mode)) for picture in value]
        return _take_pixels(_stack(numpy, pictures), "NHWC", options)
    return _take_pixels(to_array(value, _PURPOSE), dataformats, options)


def take_boxes(value: Any, boxes: Any, *, rescale: float = 1, dataformats: str = "CHW") -> Snapshot:
    """An image with red boxes drawn on it, each line two pixels wide.

    Args:
        value: As for ``take_image``; also of a path, a new image is made.
        boxes: Shape ``(n, 4)``, or ``(4,)`` for one: left, top, right and bottom in pixels of
            ``value``, before it is rescaled. What lies outside is not seen.
        rescale: As for ``take_image``.
        dataformats: As for ``take_image``.

    Raises:
        EventError: As for ``take_image``; or ``boxes`` has another shape or is not finite.
        DependencyError: NumPy or Pillow is not installed.
    """
    numpy = need("numpy", "log boxes")
    corners = to_array(boxes, "log boxes")
    if corners.size == 0:
        corners = corners.reshape(0, 4)
    if corners.ndim == 1:
        corners = corners[numpy.newaxis]
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise EventError(
            f"boxes of shape {_tuple(to_array(boxes, 'log boxes'))} are not (n, 4): "
            "each box is left, top, right, bottom"
        )
    corners = corners.astype(numpy.float64)
    finite = numpy.isfinite(corners).all(axis=1)
    if not finite.all():
        raise EventError(f"box {int(finite.argmin())} is not finite: {corners[finite.argmin()]}")
    path = as_file(value, "an image")
    if path is None:
        image = take_image(value, rescale=rescale, dataformats=dataformats)
    else:
        options = {"rescale": _check_rescale(rescale), "extension": "png"}
        image = _take_content(path.read_bytes(), options)
    parameters = {**image.parameters, "boxes": corners.tolist()}
    return _snapshot(parameters, buffers=image.buffers)


def take_figure(
    value: Any, *, close: bool = True, rescale: float = 1, ext: str | None = None
) -> Snapshot:
    """A figure of matplotlib, rendered at once in its own size and resolution.

    Args:
        value: A figure, what belongs to one (such as axes), or ``matplotlib.pyplot`` for the
            current figure; or a list of these, of which a grid is made, with eight in a row.
            Smaller ones are filled up with black. (The original inverts the colours of a grid and
            wants equal sizes.)
        close: Whether pyplot forgets the figures afterwards.
        rescale: As for ``take_image``.
        ext: As for ``take_image``.

    Raises:
        EventError: It is no figure.
        DependencyError: matplotlib or Pillow is not installed.
    """
    options = {"rescale": _check_rescale(rescale), "extension": _check_extension(ext)}
    need("PIL", _PURPOSE)
    if not isinstance(value, (list, tuple)):
        figure = _figure_of(value)
        pixels = _render(figure)
        _close([figure] if close else [])
        return _take_pixels(pixels, "HWC", options)
    if not value:
        raise EventError("cannot log an image of no figures: the list is empty")
    figures = [_figure_of(item) for item in value]
    pixels = _stack(need("numpy", _PURPOSE), [_render(figure) for figure in figures])
    _close(figures if close else [])
    return _take_pixels(pixels, "NHWC", options)


def encode(snapshot: Snapshot) -> Encoded:
    """The image file, and a row with its height, width and number of channels.

    Raises:
        EventError: The content is no image, or the format does not hold an image of that size.
        DependencyError: NumPy or Pillow is not installed in this process.
    """
    parameters = snapshot.parameters
    extension = parameters["extension"]
    if snapshot.source is not None:
        return Encoded({}, Asset(snapshot.source, extension))
    if parameters["form"] == "content":
        image = _open(snapshot.buffers[0])
        name, _ = _FORMATS[extension]
        if image.format == name and parameters["rescale"] == 1 and "boxes" not in parameters:
            return Encoded(_row(image), Asset(bytes(snapshot.buffers[0]), extension))
        try:
            image = image.convert(_mode_of(image))
        except (OSError, ValueError, SyntaxError) as error:
            raise EventError(f"an image cannot be decoded: {error}") from error
    else:
        image = _from_pixels(snapshot)
    row = _row(image)
    if "boxes" in parameters:
        _draw(image, parameters["boxes"])
    size = _rescaled(image.size, parameters["rescale"])
    if size != image.size:
        image = image.resize(size, need("PIL.Image", _PURPOSE).Resampling.LANCZOS)
    return Encoded(row, Asset(_write(image, extension), extension))


def write_image(image: Any, extension: str, **options: Any) -> bytes:
    """The content of an image file.

    Raises:
        EventError: The format does not hold an image of that size.
    """
    name, defaults = _FORMATS[extension]
    file = io.BytesIO()
    try:
        image.save(file, format=name, **defaults, **options)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise EventError(
            f"cannot write an image of {image.width} x {image.height} pixels as {name}: {error}"
        ) from error
    return file.getvalue()


def flatten(image: Any) -> Any:
    """An image of Pillow without transparency: on white."""
    if "A" not in image.getbands():
        return image
    module = need("PIL.Image", _PURPOSE)
    ground = module.new("RGBA", image.size, "white")
    return module.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _take_pixels(array: Any, dataformats: str, options: Mapping[str, Any]) -> Snapshot:
    axes = _check_axes(array, dataformats)
    height, width = (array.shape[axes.index(letter)] for letter in "HW")
    if min(_rescaled((width, height), options["rescale"])) < 1:
        raise EventError(
            f"rescale={options['rescale']!r} leaves no pixel of {width} x {height} pixels"
        )
    buffer, described = pack(array, axes)
    return _snapshot({"form": "pixels", **described, **options}, buffers=(buffer,))


def _take_content(content: Any, options: Mapping[str, Any]) -> Snapshot:
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise EventError(f"encoded_image_string must be bytes, not {type(content).__name__}")
    content = bytes(content)
    image = _open(content)
    if min(_rescaled(image.size, options["rescale"])) < 1:
        raise EventError(f"rescale={options['rescale']!r} leaves no pixel of {image.size}")
    return _snapshot({"form": "content", **options}, buffers=(content,))


def _snapshot(
    parameters: Mapping[str, Any],
    *,
    buffers: tuple[bytes | bytearray | memoryview, ...] = (),
    source: Path | None = None,
) -> Snapshot:
    return Snapshot(ArtifactKind.IMAGE, "image", parameters, buffers, source)


def _check_axes(array: Any, dataformats: Any) -> str:
    axes = dataformats.upper() if isinstance(dataformats, str) else ""
    if sorted(axes) not in (["H", "W"], ["C", "H", "W"], ["C", "H", "N", "W"]):
        raise EventError(
            "dataformats must have each letter of 'HW', 'CHW' or 'NCHW' once, in the order of the "
            f"axes, not {dataformats!r}"
        )
    if array.ndim == len(axes) and ("C" not in axes or 1 <= array.shape[axes.index("C")] <= 4):
        if array.size == 0:
            raise EventError(f"an image of shape {_tuple(array)} has no pixels")
        return axes
    fitting = _fitting_axes(array.shape)
    advice = f"dataformats={fitting!r} would" if fitting else "an image has 1 to 4 channels"
    raise EventError(
        f"an image of shape {_tuple(array)} does not fit dataformats={dataformats!r}: {advice}"
    )


def _fitting_axes(shape: Sequence[int]) -> str | None:
    if len(shape) == 2:
        return "HW"
    if len(shape) not in (3, 4):
        return None
    batch = "N" * (len(shape) - 3)
    if shape[-3] in (1, 3, 4):
        return f"{batch}CHW"
    return f"{batch}HWC" if shape[-1] in (1, 3, 4) else None


def _tuple(array: Any) -> tuple[int, ...]:
    return tuple(int(length) for length in array.shape)


def _check_rescale(rescale: Any) -> float:
    try:
        factor = float(rescale)
    except (TypeError, ValueError):
        factor = math.nan
    if not 0 < factor < math.inf:
        raise EventError(f"rescale must be a positive number, not {rescale!r}")
    return factor


def _rescaled(size: tuple[int, int], rescale: float) -> tuple[int, int]:
    return int(size[0] * rescale), int(size[1] * rescale)


def _bare(ext: str | None) -> str:
    return (ext or "").lower().lstrip(".")


def _check_extension(ext: str | None) -> str:
    extension = _bare(ext) or "png"
    if extension not in _FORMATS:
        raise EventError(
            f"cannot write an image as {ext!r}: only as {', '.join(_FORMATS)}; "
            "or write the file and log its path"
        )
    return extension


def _is_list_of(is_one: Any, value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(map(is_one, value))


def _is_pillow(value: Any) -> bool:
    return hasattr(value, "getbands") and hasattr(value, "tobytes")


def _is_figure(value: Any) -> bool:
    return hasattr(value, "savefig") and (hasattr(value, "canvas") or hasattr(value, "gcf"))


def _from_pillow(image: Any) -> tuple[Any, str]:
    numpy = need("numpy", _PURPOSE)
    if image.mode.startswith("I") or image.mode == "F":  # numbers of more than 8 bits
        return numpy.asarray(image), "HW"
    plain = image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert(_mode_of(image))
    return numpy.asarray(plain), "HW" if plain.mode == "L" else "HWC"


def _mode_of(image: Any) -> str:
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return str(image.mode)
    if image.mode == "1":
        return "L"
    is_transparent = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    return "RGBA" if is_transparent else "RGB"


def _figure_of(value: Any) -> Any:
    if hasattr(value, "gcf"):  # pyplot
        value = value.gcf()
    while not _is_figure(value):
        if getattr(value, "figure", value) in (value, None):
            raise EventError(f"cannot log {type(value).__name__} as a figure of matplotlib")
        value = value.figure
    return value


def _render(figure: Any) -> Any:
    numpy = need("numpy", _PURPOSE)
    canvas = figure.canvas
    agg = need("matplotlib.backends.backend_agg", "log a figure", install="matplotlib")
    try:
        drawn = agg.FigureCanvasAgg(figure)  # makes itself the canvas of the figure
        drawn.draw()
        return numpy.asarray(drawn.buffer_rgba())[:, :, :3]
    finally:
        figure.set_canvas(canvas)  # that of a window, perhaps


def _close(figures: Sequence[Any]) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")  # without it, nobody holds a figure
    for figure in figures:
        if pyplot is not None:
            pyplot.close(figure)


def _stack(numpy: Any, pictures: Sequence[Any]) -> Any:
    """NHWC of pictures HWC, the smaller ones filled up with zeros."""
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    shape = (len(pictures), height, width, pictures[0].shape[2])
    stacked = numpy.zeros(shape, dtype=numpy.uint8)
    for place, picture in zip(stacked, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    return stacked


def _from_pixels(snapshot: Snapshot) -> Any:
    numpy = need("numpy", _PURPOSE)
    pictures = unpack(numpy, snapshot.buffers[0], snapshot.parameters, "NHWC")
    pictures = to_uint8(numpy, pictures)
    if pictures.shape[3] == 1:
        pictures = pictures.repeat(3, axis=3)
    pixels = pictures[0] if len(pictures) == 1 else _grid(numpy, pictures)
    return need("PIL.Image", _PURPOSE).fromarray(numpy.ascontiguousarray(pixels))


def _grid(numpy: Any, pictures: Any) -> Any:
    count, height, width, channels = pictures.shape
    columns = min(count, _GRID_COLUMNS)
    rows = math.ceil(count / columns)
    cells = numpy.zeros((rows * columns, height, width, channels), dtype=numpy.uint8)
    cells[:count] = pictures
    cells = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return cells.reshape(rows * height, columns * width, channels)


def _draw(image: Any, boxes: Sequence[Sequence[float]]) -> None:
    pen = need("PIL.ImageDraw", _PURPOSE).Draw(image)
    for box in boxes:
        # Pillow's integers overflow; a line that far outside is not seen in either place.
        left, right = (min(max(x, -8), image.width + 8) for x in box[0::2])
        top, bottom = (min(max(y, -8), image.height + 8) for y in box[1::2])
        corners = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
        pen.line(corners, fill="red", width=2)


def _open(content: Any) -> Any:
    opener = need("PIL.Image", _PURPOSE)
    try:
        return opener.open(io.BytesIO(content))
    except (OSError, ValueError, SyntaxError, opener.DecompressionBombError) as error:
        raise EventError(f"an image of {len(content)} bytes cannot be read: {error}") from error


def _row(image: Any) -> dict[str, int]:
    channels = len(_mode_of(image))
    return {"height": image.height, "width": image.width, "colorspace": channels}


def _write(image: Any, extension: str) -> bytes:
    if _FORMATS[extension][0] in _WITHOUT_ALPHA:
        image = flatten(image)
    elif image.mode == "LA" and extension != "png":
        image = image.convert("RGBA")
    return write_image(image, extension)
