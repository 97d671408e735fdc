import io
import logging
import string

import hypothesis.extra.numpy as arrays
import jax.numpy
import matplotlib.figure
import matplotlib.pyplot
import numpy
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonlog import media
from axonlog.errors import EventError

CHW = numpy.arange(60, dtype=numpy.uint8).reshape(3, 4, 5)
HWC = CHW.transpose(1, 2, 0)


def decoded(snapshot):
    return numpy.asarray(PIL.Image.open(io.BytesIO(media.encode(snapshot).asset.content)))


@st.composite
def laid_out_images(draw):
    """An image as HWC, and the same as an array of some layout, with its dataformats."""
    channels = draw(st.sampled_from([1, 2, 3, 4]))
    side = st.integers(1, 9)
    shape = (draw(side), draw(side), channels)
    dtype = draw(st.sampled_from(["uint8", "bool", "float32", "float64", "int64", "uint16"]))
    hwc = draw(arrays.arrays(numpy.uint8, shape))
    if dtype == "bool":
        hwc = numpy.where(hwc > 127, 255, 0).astype(numpy.uint8)
    given_as = {
        "uint8": hwc,
        "bool": hwc > 0,
        # Half a step up: the original cuts, and a quotient may lie just below.
        "float32": numpy.minimum((hwc + 0.5) / 255, 1).astype(numpy.float32),
        "float64": numpy.minimum((hwc + 0.5) / 255, 1),
        "int64": hwc.astype(numpy.int64),
        "uint16": hwc.astype(numpy.uint16) * 257,
    }[dtype]
    if dtype == "int64" and hwc.max() <= 1:  # a mask
        hwc = hwc * numpy.uint8(255)
    axes = "".join(draw(st.permutations("HWC")))
    if channels == 1 and draw(st.booleans()):
        return hwc, given_as[..., 0], "HW"
    return hwc, given_as.transpose(["HWC".index(axis) for axis in axes]), axes


@given(laid_out_images())
def test_an_image_of_any_layout_and_type_comes_back(example):
    hwc, image, axes = example
    expected = hwc.repeat(3, axis=2) if hwc.shape[2] == 1 else hwc
    assert numpy.array_equal(decoded(media.take_image(image, dataformats=axes)), expected)


def test_the_caller_may_change_the_array_afterwards(pixels):
    image = CHW.copy()
    snapshot = media.take_image(image)
    image[:] = 0
    assert numpy.array_equal(pixels(snapshot), HWC)


@pytest.mark.parametrize(
    "image",
    [
        torch.from_numpy(CHW.copy()),
        torch.from_numpy(CHW / 255).requires_grad_(),
        torch.from_numpy(HWC.copy()).permute(2, 0, 1),
        jax.numpy.asarray(CHW),
        [torch.from_numpy(channel.copy()) for channel in CHW],
        (CHW + 0.5).__truediv__(255).tolist(),
        CHW.tolist(),
        numpy.ma.masked_array(CHW),
        CHW.astype(">i4"),
        CHW[:, ::-1, ::-1][:, ::-1, ::-1],
    ],
    ids=lambda image: type(image).__name__,
)
def test_an_image_of_any_library_is_the_same(pixels, image):
    shown = pixels(media.take_image(image)).astype(int)
    assert abs(shown - HWC).max() <= 1  # the original cuts what is no whole number


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_types_that_numpy_does_not_have_are_converted(pixels, library):
    ones = {"torch": torch.ones, "jax": jax.numpy.ones}[library]
    dtype = {"torch": torch.bfloat16, "jax": jax.numpy.bfloat16}[library]
    snapshot = media.take_image(ones((3, 2, 2), dtype=dtype))
    assert snapshot.parameters["dtype"] == "<f4"
    assert (pixels(snapshot) == 255).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_outside_the_range_are_clipped_and_that_is_said_once(pixels, caplog, dtype):
    image = numpy.array([[-0.5, 0.0, 1.0, 1.01, 200.0, numpy.inf, -numpy.inf]], dtype=dtype)
    for _ in range(2):
        shown = pixels(media.take_image(image, dataformats="HW"))
        assert shown[0, :, 0].tolist() == [0, 0, 255, 255, 255, 255, 0]
    (said,) = caplog.messages
    assert "0..1" in said
    assert "divide by 255" in said


def test_nan_is_black_and_that_is_said(pixels, caplog):
    image = numpy.array([[numpy.nan, 1.0]])
    assert pixels(media.take_image(image, dataformats="HW"))[0, :, 0].tolist() == [0, 255]
    assert ["NaN" in message for message in caplog.messages] == [True]


def test_floats_in_the_range_are_shown_without_a_word(pixels, caplog):
    pixels(media.take_image(CHW / 255))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("values", "dtype", "shown", "warnings"),
    [
        ([0, 1], "int64", [0, 255], 0),
        ([0, 7, 255], "int32", [0, 7, 255], 0),
        ([-3, 7, 300], "int16", [0, 7, 255], 1),
        ([-3, 7], "int8", [0, 7], 1),
        ([0, 257, 65000, 65535], "uint16", [0, 1, 252, 255], 0),
        ([0, 2**64 - 1], "uint64", [0, 255], 1),
    ],
)
def test_integers_are_eight_bits_or_a_mask(pixels, caplog, values, dtype, shown, warnings):
    image = numpy.array([values], dtype=dtype)
    assert pixels(media.take_image(image, dataformats="HW"))[0, :, 0].tolist() == shown
    assert len(caplog.messages) == warnings


@pytest.mark.parametrize("axes", ["NCHW", "NHWC", "WCNH"])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_batch_is_a_grid_with_eight_in_a_row(pixels, opened, axes, dtype):
    # The original multiplies the bytes of a grid by 255: 1 becomes 255, 2 becomes 254.
    batch = numpy.arange(1, 11, dtype=numpy.uint8)[:, None, None, None].repeat(3, axis=1)
    batch = batch.repeat(2, axis=2).repeat(5, axis=3)
    image = batch if dtype == "uint8" else (batch + 0.5) / 255
    image = image.transpose(["NCHW".index(axis) for axis in axes])
    snapshot = media.take_image(image, dataformats=axes)
    shown = pixels(snapshot)
    assert shown.shape == (4, 40, 3)
    assert shown[::2, ::5, 0].tolist() == [list(range(1, 9)), [9, 10, 0, 0, 0, 0, 0, 0]]
    assert shown[1::2, 4::5, 2].tolist() == [list(range(1, 9)), [9, 10, 0, 0, 0, 0, 0, 0]]
    assert opened(snapshot)[0] == {"height": 4, "width": 40, "colorspace": 3}


@pytest.mark.parametrize(
    ("shape", "dataformats", "advice"),
    [
        ((224, 224, 3), "CHW", "dataformats='HWC' would"),
        ((3, 24, 24), "HWC", "dataformats='CHW' would"),
        ((24, 24), "CHW", "dataformats='HW' would"),
        ((8, 3, 24, 24), "CHW", "dataformats='NCHW' would"),
        ((8, 24, 24, 1), "CHW", "dataformats='NHWC' would"),
        ((8, 24, 24), "CHW", "1 to 4 channels"),
        ((7,), "CHW", "1 to 4 channels"),
        ((1, 1, 1, 1, 1), "NCHW", "1 to 4 channels"),
    ],
)
def test_a_layout_that_does_not_fit_is_named_with_the_one_that_would(shape, dataformats, advice):
    with pytest.raises(EventError) as raised:
        media.take_image(numpy.zeros(shape), dataformats=dataformats)
    assert f"shape {shape}" in str(raised.value)
    assert f"dataformats={dataformats!r}" in str(raised.value)
    assert advice in str(raised.value)


@given(st.one_of(st.none(), st.integers(), st.text(string.ascii_letters, max_size=5)))
def test_dataformats_that_name_no_layout_are_refused(dataformats):
    valid = isinstance(dataformats, str) and sorted(dataformats.upper()) in (
        sorted("HW"),
        sorted("CHW"),
        sorted("NCHW"),
    )
    if not valid:
        with pytest.raises(EventError, match="dataformats must"):
            media.take_image(numpy.zeros((3, 3, 3)), dataformats=dataformats)


class Broken:
    def __array__(self, *_args, **_kwargs):
        raise RuntimeError("the device is gone")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "NoneType"),
        ("missing.png", "no such file for an image: 'missing.png'"),
        ("a\0b", "no such file"),
        ("a" * 5000, "no such file"),
        ([[1, 2], [3]], "list"),
        ([], "numbers|shape"),
        ({"a": 1}, "dict"),
        (numpy.array([["a"]]), "<U1"),
        (numpy.zeros((2, 2), complex), "complex128"),
        (numpy.zeros((3, 0, 4)), r"shape \(3, 0, 4\) has no pixels"),
        (Broken(), "the device is gone"),
        (b"\x89PNG", "bytes"),
        (torch.zeros(3, 2, 2).to_sparse(), "Tensor"),
    ],
)
def test_what_is_no_image_is_refused(value, message):
    with pytest.raises(EventError, match=message):
        media.take_image(value)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_an_image_of_pillow_keeps_its_look(opened, mode):
    image = PIL.Image.fromarray(numpy.ascontiguousarray(HWC)).convert(mode)
    row, shown = opened(media.take_image(image))
    assert shown.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
    assert (row["height"], row["width"]) == (4, 5)
    assert row["colorspace"] == len(shown.getbands())


def test_a_palette_with_transparency_keeps_it(opened):
    image = PIL.Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    _, shown = opened(media.take_image(image))
    assert [shown.getpixel((x, 0)) for x in range(2)] == [(255, 0, 0, 255), (0, 255, 0, 0)]


def test_a_pillow_image_of_sixteen_bits_fills_its_range(pixels):
    image = PIL.Image.fromarray(numpy.array([[0, 65535]], dtype=numpy.uint16))
    assert pixels(media.take_image(image))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("ext", "format_"),
    [
        (None, "PNG"),
        ("PNG", "PNG"),
        ("jpg", "JPEG"),
        (".jpeg", "JPEG"),
        ("webp", "WEBP"),
        ("gif", "GIF"),
        ("bmp", "BMP"),
        ("tiff", "TIFF"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_extension_is_the_format(opened, ext, format_, channels):
    # The original writes PNG whatever the extension says.
    image = numpy.full((channels, 8, 8), 255, dtype=numpy.uint8)
    snapshot = media.take_image(image, ext=ext)
    _, shown = opened(snapshot)
    assert (shown.format, shown.size) == (format_, (8, 8))
    assert shown.convert("RGB").getpixel((4, 4)) == (255, 255, 255)
    assert media.encode(snapshot).asset.extension == (ext or "png").lower().lstrip(".")


def test_a_transparent_pixel_is_white_where_the_format_has_none(opened):
    image = numpy.zeros((4, 8, 8), dtype=numpy.uint8)
    _, shown = opened(media.take_image(image, ext="jpg"))
    assert shown.getpixel((3, 3)) == (255, 255, 255)


def test_an_extension_that_cannot_be_written_is_refused():
    with pytest.raises(EventError, match="as 'heic': only as png, jpg"):
        media.take_image(CHW, ext="heic")


def test_rescale_changes_the_file_and_not_the_row(opened):
    row, shown = opened(media.take_image(CHW, rescale=2.5))
    assert shown.size == (12, 10)
    assert row == {"height": 4, "width": 5, "colorspace": 3}
    assert opened(media.take_image(CHW, rescale=numpy.float32(0.5)))[1].size == (2, 2)


@pytest.mark.parametrize("rescale", [0, -1, "x", None, float("nan"), float("inf"), 0.1])
def test_a_rescale_that_leaves_no_pixel_is_refused(rescale):
    with pytest.raises(EventError, match="rescale"):
        media.take_image(CHW, rescale=rescale)


def test_a_file_is_kept_as_it_is(tmp_path):
    path = tmp_path / "my.pic.PNG"
    PIL.Image.new("LA", (5, 4)).save(path, format="PNG")
    for given_path in (path, str(path)):
        snapshot = media.take_image(given_path, ext="jpg", dataformats="?")
        assert (snapshot.source, snapshot.buffers) == (path, ())
        encoded = media.encode(snapshot)
        assert encoded.asset == media.Asset(path, "pic.png")
        assert encoded.row == {}


def test_a_file_that_is_no_image_is_kept_too(tmp_path):
    path = tmp_path / "noext"
    path.write_text("not an image")
    encoded = media.encode(media.take_image(path))
    assert encoded == media.Encoded({}, media.Asset(path, "png"))
    assert media.encode(media.take_image(path, ext="svg")).asset.extension == "svg"


class Summary:
    def __init__(self, content):
        self.encoded_image_string = content


def content_of(format_, mode="RGB"):
    file = io.BytesIO()
    PIL.Image.new(mode, (5, 4), 30).save(file, format=format_)
    return file.getvalue()


def test_content_in_the_format_wanted_is_kept_to_the_byte():
    content = content_of("PNG")
    encoded = media.encode(media.take_image(Summary(content)))
    assert encoded.asset == media.Asset(content, "png")
    assert encoded.row == {"height": 4, "width": 5, "colorspace": 3}


@pytest.mark.parametrize(("format_", "mode"), [("JPEG", "L"), ("GIF", "P"), ("BMP", "1")])
def test_other_content_is_converted(opened, format_, mode):
    row, shown = opened(media.take_image(Summary(content_of(format_, mode)), rescale=2))
    assert (shown.format, shown.size, row["width"]) == ("PNG", (10, 8), 5)


@pytest.mark.parametrize("content", [b"", b"no image", "text", None])
def test_content_that_is_no_image_is_refused(content):
    with pytest.raises(EventError):
        media.take_image(Summary(content))


def test_content_that_is_cut_off_is_an_error_of_its_encoding():
    snapshot = media.take_image(Summary(content_of("BMP")[:-20]))
    with pytest.raises(EventError, match="decoded"):
        media.encode(snapshot)


def test_an_image_too_wide_for_its_format_is_an_error_that_names_both():
    snapshot = media.take_image(numpy.zeros((1, 70_000)), dataformats="HW", ext="jpg")
    with pytest.raises(EventError, match="70000 x 1 pixels as JPEG"):
        media.encode(snapshot)


# Boxes


def test_a_box_is_red_and_two_pixels_wide(pixels):
    black = numpy.zeros((3, 20, 30), dtype=numpy.uint8)
    shown = pixels(media.take_boxes(black, [5, 4, 15, 12]))
    red = (shown == [255, 0, 0]).all(axis=2)
    assert ((shown == 0).all(axis=2) | red).all()
    for row, column in [(4, 5), (12, 15), (4, 10), (8, 5)]:
        assert red[row, column]
    for row, column in [(8, 10), (0, 0), (15, 10), (8, 20)]:
        assert not red[row, column]


def test_boxes_of_any_library_and_number_are_drawn_before_the_rescaling(pixels, opened):
    image = numpy.zeros((20, 30, 3))
    several = [[1, 1, 5, 5], [10, 10, 18, 18]]
    options = {"dataformats": "HWC", "rescale": 2}
    expected = pixels(media.take_boxes(image, several, **options))
    for boxes in (numpy.array(several), torch.tensor(several), jax.numpy.array(several)):
        assert numpy.array_equal(pixels(media.take_boxes(image, boxes, **options)), expected)
    row, shown = opened(media.take_boxes(image, several, **options))
    assert (shown.size, row["width"]) == ((60, 40), 30)
    assert pixels(media.take_boxes(image, [], dataformats="HWC")).max() == 0


def test_boxes_outside_the_image_are_not_seen(pixels):
    image = numpy.zeros((3, 20, 30))
    assert pixels(media.take_boxes(image, [[-1e30, -1e30, 1e30, 1e30]])).max() == 0


def test_boxes_are_drawn_on_a_copy_of_a_file(tmp_path, opened):
    path = tmp_path / "a.png"
    PIL.Image.new("RGB", (30, 20)).save(path)
    before = path.read_bytes()
    row, shown = opened(media.take_boxes(path, [[5, 4, 15, 12]]))
    assert shown.getpixel((10, 4)) == (255, 0, 0)
    assert (row, path.read_bytes()) == ({"height": 20, "width": 30, "colorspace": 3}, before)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([1, 2, 3], r"shape \(3,\) are not \(n, 4\)"),
        ([[[1, 2, 3, 4]]], r"shape \(1, 1, 4\)"),
        ([[0, 0, 1, 1], [0, 0, float("nan"), 1]], "box 1 is not finite"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_box_is_refused(boxes, message):
    with pytest.raises(EventError, match=message):
        media.take_boxes(CHW, boxes)


# Figures


@pytest.fixture
def figure():
    made = matplotlib.figure.Figure(figsize=(2, 1), dpi=50)
    made.add_subplot().plot([0, 1, 2])
    return made


def test_a_figure_is_rendered_in_its_own_size_and_keeps_its_canvas(opened, figure):
    canvas = figure.canvas
    row, shown = opened(media.take_figure(figure))
    assert (shown.size, shown.mode) == ((100, 50), "RGB")
    assert row == {"height": 50, "width": 100, "colorspace": 3}
    assert shown.getpixel((0, 0)) == (255, 255, 255)
    assert len(shown.getcolors(256 * 256)) > 2
    assert figure.canvas is canvas  # the original leaves its own, and a window is dead


def test_figures_become_a_grid_in_their_own_colours(opened, figure):
    # The original inverts them, and raises where sizes differ.
    small = matplotlib.figure.Figure(figsize=(1, 1), dpi=50, facecolor=(0, 0, 1))
    row, shown = opened(media.take_figure([figure, small]))
    assert shown.size == (200, 50)
    assert row == {"height": 50, "width": 200, "colorspace": 3}
    assert [shown.getpixel((x, 0)) for x in (0, 100, 199)] == [
        (255, 255, 255),
        (0, 0, 255),
        (0, 0, 0),
    ]


@pytest.fixture
def shown_figure():
    made, _ = matplotlib.pyplot.subplots(figsize=(1, 1), dpi=50)
    yield made
    matplotlib.pyplot.close(made)


@pytest.mark.parametrize("close", [True, False])
@pytest.mark.parametrize("as_list", [True, False])
def test_pyplot_forgets_the_figure_if_it_is_to_be_closed(shown_figure, close, as_list):
    media.take_figure([shown_figure] if as_list else shown_figure, close=close)
    assert matplotlib.pyplot.fignum_exists(shown_figure.number) is not close


def test_log_image_takes_figures_and_leaves_them_open(shown_figure, opened):
    assert opened(media.take_image(shown_figure))[1].size == (50, 50)
    assert opened(media.take_image([shown_figure, shown_figure]))[1].size == (100, 50)
    assert matplotlib.pyplot.fignum_exists(shown_figure.number)


def test_axes_and_pyplot_stand_for_their_figure(shown_figure, pixels):
    expected = pixels(media.take_figure(shown_figure, close=False))
    for value in (shown_figure.axes[0], matplotlib.pyplot):
        assert numpy.array_equal(pixels(media.take_figure(value, close=False)), expected)


@pytest.mark.parametrize("value", [None, 3, "figure", [], [None]])
def test_what_is_no_figure_is_refused(value):
    with pytest.raises(EventError, match="figure"):
        media.take_figure(value)


def test_a_list_of_pillow_images_is_a_grid(opened):
    images = [PIL.Image.new("RGB", size, "red") for size in ((2, 2), (3, 1))]
    _, shown = opened(media.take_image(images))
    assert (shown.size, shown.mode) == ((6, 2), "RGB")
    assert [shown.getpixel((x, 1))[0] for x in range(6)] == [255, 255, 0, 0, 0, 0]


def test_nothing_is_logged_of_an_image_in_order(caplog, opened):
    with caplog.at_level(logging.DEBUG, "axonlog"):
        opened(media.take_image(CHW))
    assert caplog.messages == []
