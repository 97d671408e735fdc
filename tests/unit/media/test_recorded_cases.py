"""Recorded calls of the original, made on the encoders alone: equal rows, pixels and sound."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot
import pytest

from axonlog import media
from axonlog.errors import EventError

ORIGINAL = Path(__file__).parents[2] / "conformance" / "tracking" / "original"
CASES = {case["id"]: case for case in json.loads((ORIGINAL / "cases.json").read_text())["cases"]}

# Function -> what takes its value, how many arguments are the value, its options in order.
TAKES = {
    "log_audio": (media.take_audio, ["data"], {"sample_rate", "content_type"}),
    "log_html": (media.take_html, ["html"], set()),
    "log_image": (media.take_image, ["data"], {"rescale", "dataformats", "ext"}),
    "log_image_with_boxes": (
        media.take_boxes,
        ["tensor_image", "tensor_boxes"],
        {"rescale", "dataformats"},
    ),
    "log_mpl_image": (media.take_figure, ["data"], {"close"}),
    "log_text": (media.take_text, ["text"], set()),
    "log_video": (media.take_video, ["data"], {"fps", "content_type"}),
}
NAMED_FIRST = {"log_text", "log_html"}

# What the original does in these is wrong, and is tested in its own words beside this file: it
# wraps floats around; it refuses stereo, lists, arrays as video; it writes WAV into a `.mp3`.
WRONG = {
    "audio_clip_shapes",
    "audio_path",
    "image_bad",
    "image_float_out_of_range",
    "video_array_moviepy2",
}


def module_of(name):
    specification = importlib.util.spec_from_file_location(name, ORIGINAL / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


BUILDERS, NORMALIZE = module_of("builders"), module_of("normalize")


def calls_of(case, tmp_path):
    """Each call of a case as (event file, snapshot or the error)."""
    context = SimpleNamespace(src=str(tmp_path), run_path=str(tmp_path / "run"), tracking=None)
    for call in case["calls"]:
        take, value_names, options = TAKES[call["fn"]]
        positional = [BUILDERS.resolve(context, item) for item in call.get("args", [])]
        given = (
            {key: BUILDERS.resolve(context, item) for key, item in call["kwargs"].items()}
            if (call.get("kwargs"))
            else {}
        )
        order = (
            ["name", *value_names] if call["fn"] in NAMED_FIRST else [*value_names, "name", "step"]
        )
        given |= dict(zip(order, positional, strict=False))
        values = [given[name] for name in value_names]
        try:
            yield take(*values, **{key: given[key] for key in options & given.keys()})
        except EventError as error:
            yield error


def rows_of(case):
    """The recorded rows, as the calls were made: a case logs each name in one go."""
    return [row["value"] for file in case["expected"]["events"].values() for row in file["rows"]]


def is_ours(case):
    return all(call["fn"] in TAKES for call in case["calls"])


@pytest.mark.parametrize(
    "name", sorted(n for n, c in CASES.items() if is_ours(c) and n not in WRONG)
)
def test_rows_and_assets_are_those_of_the_original(name, tmp_path):
    case = CASES[name]
    encoded = [media.encode(snapshot) for snapshot in calls_of(case, tmp_path)]
    matplotlib.pyplot.close("all")
    rows = rows_of(case)
    unmatched = list(encoded)
    for row in rows:
        expected = {k: v for k, v in row.items() if k != "path"} if isinstance(row, dict) else row
        match = next(e for e in unmatched if e.row == expected)
        unmatched.remove(match)
    assert unmatched == []
    contents = [described(e.asset, tmp_path) for e in encoded if e.asset is not None]
    for path, expected in case["expected"]["assets"].items():
        assert expected in contents, path


def described(asset, tmp_path):
    path = tmp_path / f"asset.{asset.extension}"
    content = asset.content
    path.write_bytes(content.read_bytes() if isinstance(content, Path) else content)
    return NORMALIZE.describe_asset(str(path))


def test_sound_that_the_original_keeps_is_kept_alike(tmp_path):
    case = CASES["audio_clip_shapes"]
    clip, squeezed, *_ = (media.encode(snapshot) for snapshot in calls_of(case, tmp_path))
    for encoded, name in ((clip, "clip"), (squeezed, "squeeze")):
        (row,) = case["expected"]["events"][f"events/audio/{name}.plx"]["rows"]
        assert {**encoded.row, "path": f"assets/audio/{name}.wav"} == row["value"]
        expected = case["expected"]["assets"][f"assets/audio/{name}.wav"]
        assert described(encoded.asset, tmp_path) == expected


def test_files_of_sound_are_kept_alike(tmp_path):
    case = CASES["audio_path"]
    beep, named, refused = calls_of(case, tmp_path)
    assert isinstance(refused, EventError)
    for snapshot, name in ((beep, "beep_2"), (named, "x")):
        expected = case["expected"]["assets"][f"assets/audio/{name}.wav"]
        assert described(media.encode(snapshot).asset, tmp_path) == expected
    assert media.encode(named).row["content_type"] == "audio/wav"


def test_what_is_no_image_is_refused_as_by_the_original(tmp_path):
    case = CASES["image_bad"]
    taken = list(calls_of(case, tmp_path))
    refused = [isinstance(item, EventError) for item in taken]
    #      HW as CHW, Pillow, a list of 1x2, no file, 2 channels, None, CCW
    assert refused == [True, False, True, True, False, True, True]
    expected = case["expected"]["assets"]["assets/image/e.png"]
    assert described(media.encode(taken[4]).asset, tmp_path) == expected
