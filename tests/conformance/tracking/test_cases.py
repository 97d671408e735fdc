"""Every recorded case that uses only functions that axonlog has."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from axonlog import tracking

ORIGINAL = Path(__file__).parent / "original"
CASES = {case["id"]: case for case in json.loads((ORIGINAL / "cases.json").read_text())["cases"]}

# What the case language itself offers; `$print` belongs to the capture of console output.
_LANGUAGE = {"$sleep", "$attr"}

# The original raised there, or lost or mixed data: see the table in README.md.
ORIGINAL_FAILS = {
    "metric_bad_values",
    "metric_step_types",
    "metrics_partial_failure",
    "metric_timestamps",
    "metric_name_empty_after_cleaning",
    "metric_not_initialised",
    "model_dir_twice",
    "artifact_bad",
    "run_inputs_names",
    "run_inputs_unserialisable",
    "run_no_op_end",
    "audio_clip_shapes",
    "image_bad",
    "video_array_moviepy2",
}

# Text that holds a number, which the original takes for one: the steps of the missing points.
TEXT_IS_NO_NUMBER = {
    ("metric_bad_values", "events/metric/m.plx"): ["1"],
    ("metric_step_types", "events/metric/m5.plx"): ["3"],
}

# What it keeps there is wrong: see the table in README.md. Ours differs in these places only.
ORIGINAL_SPOILS = {
    "image_float_out_of_range": ["content of assets/image/im_1.png"],
    "image_names": [
        "events/image/same.plx row 1",
        "extra assets/image/same-2.png",
        "content of assets/image/same.png",
    ],
    "image_encoded": ["extra assets/image/enc_1.png"],
    "audio_path": [
        "missing events/audio/ct.plx",
        "missing assets/audio/ct.mp3",
        "lineage ct",
        "call 2 log_audio",
    ],
}

# It did so without a word there.
ORIGINAL_MIXES = {"metric_name_collision", "artifact_file_step", "lineage_direct"}


def is_ours(case):
    return all(call["fn"] in _LANGUAGE or call["fn"] in tracking.__all__ for call in case["calls"])


RUNNABLE = sorted(name for name, case in CASES.items() if is_ours(case))


@pytest.fixture(scope="module")
def judge():
    sys.path.insert(0, str(ORIGINAL))
    try:
        specification = importlib.util.spec_from_file_location("compare", ORIGINAL / "compare.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(ORIGINAL))


def run(judge, name):
    case = {key: value for key, value in CASES[name].items() if key != "expected"}
    return judge.run(case, impl="axonlog.tracking", python=sys.executable)


@pytest.mark.parametrize(
    "name",
    [name for name in RUNNABLE if name not in {*ORIGINAL_FAILS, *ORIGINAL_MIXES, *ORIGINAL_SPOILS}],
)
def test_a_run_is_what_the_original_made_of_the_same_calls(judge, name):
    assert judge.diff(CASES[name], run(judge, name)) == []


@pytest.mark.parametrize("name", sorted(ORIGINAL_FAILS))
def test_where_the_original_fails_the_directory_is_whole(judge, name):
    got = run(judge, name)
    assert "crash" not in got
    if got["files"]:
        assert got["run"]["status"] == "succeeded"
        assert all(not row.get("bad") for file in got["events"].values() for row in file["rows"])
    # What the original recorded without trouble is there here too.
    expected = CASES[name]["expected"]
    for path, file in expected.get("events", {}).items():
        if name != "metric_timestamps":
            rows = got["events"].get(path, {"rows": []})["rows"]
            missing = [str(row["step"]) for row in file["rows"] if row not in rows]
            assert missing == TEXT_IS_NO_NUMBER.get((name, path), [])


@pytest.mark.parametrize("name", sorted(ORIGINAL_SPOILS))
def test_what_the_original_keeps_wrongly_is_all_that_differs(judge, name):
    differences = judge.diff(CASES[name], run(judge, name))
    assert sorted(text.partition(":")[0] for text in differences) == sorted(ORIGINAL_SPOILS[name])


def test_names_that_the_original_mixes_stay_apart(judge):
    got = run(judge, "metric_name_collision")
    values = sorted([row["value"] for row in file["rows"]] for file in got["events"].values())
    assert values == [["1.0"], ["2.0"], ["3.0"]]
    assert [row["value"] for row in got["events"]["events/metric/a__b.plx"]["rows"]] == ["1.0"]


def test_series_that_the_original_lists_as_one_are_entries_of_their_own(judge):
    differences = judge.diff(CASES["artifact_file_step"], run(judge, "artifact_file_step"))
    assert [difference.partition(":")[0] for difference in differences] == [
        "lineage data",
        "lineage data-csv",
    ]


def test_an_entry_of_the_lineage_is_not_replaced_by_one_of_another_kind(judge):
    got = run(judge, "lineage_direct")["lineage"]
    assert [(entry["name"], entry["kind"], entry["path"]) for entry in got] == [
        ("again", "file", "again"),
        ("l1", "data", "p/q"),
        ("l2", "model", "m"),
        ("l3", "csv", "c"),
    ]


def test_the_cases_in_which_the_original_fails_are_all_accounted_for():
    failing = {
        name
        for name in RUNNABLE
        if any(call.get("raises") for call in CASES[name]["expected"].get("calls", []))
        or "<UNPARSABLE>" in (CASES[name]["expected"].get("run") or {})
    }
    assert failing == ORIGINAL_FAILS
