"""The real readers accept a run's directory, at its end and before."""

import json
import math
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

import axonlog
from support.polyaxon_server import server_python

READER = Path(__file__).parent / "original" / "read_back.py"


def read_back(directory):
    done = subprocess.run(
        [str(server_python()), str(READER), str(directory)], capture_output=True, text=True
    )
    assert done.stdout, done.stderr
    read = json.loads(done.stdout)
    assert (done.returncode, read["failures"]) == (0, [])
    return read


@pytest.mark.server
@pytest.mark.xdist_group("server")
def test_the_original_client_and_the_server_read_what_a_run_writes(tmp_path):
    model = tmp_path / "net.pt"
    model.write_bytes(b"weights")
    values = [0.5, math.nan, math.inf, -math.inf, 1e-300, 3.0]
    with axonlog.Run(project="acme/digits", name="n", is_offline=True) as run:
        directory = Path(run.context.artifacts_path.value)
        run.log_inputs(lr=0.1, nested={"a": [1, None]}, bad=math.nan)
        for step, value in enumerate(values):
            run.log_metrics({"train/loss": value, "日本": step}, step=step)
        run.log_metric("no_step", 1.0)
        run.log_model(model, framework="a|b", step=1)
        run.log_artifact(model, kind="data")
        run._recorder.store.refresh()  # as the background thread does about once a second
        while_it_goes_on = read_back(directory)
    at_the_end = read_back(directory)

    for read in (while_it_goes_on, at_the_end):
        loss = read["events"]["events/metric/train__loss.plx"]
        assert loss["client"]["step"] == [0, 1, 2, 3, 4, 5]
        assert loss["client"]["metric"] == [0.5, None, "inf", "-inf", 1e-300, 3.0]
        assert loss["server"]["step"] == [0, 1, 2, 3, 4, 5]
        assert read["events"]["events/metric/u65e5-672c.plx"]["client_rows"] == 6
        assert read["events"]["events/metric/no_step.plx"]["client_rows"] == 1
        (asset,) = read["events"]["events/model/net.plx"]["assets"]
        assert asset == {"path": "assets/model/net_1.pt", "exists": True}
        assert read["run"]["inputs"] == {"lr": 0.1, "nested": {"a": [1, None]}, "bad": None}
    assert while_it_goes_on["run"]["status"] == "running"
    assert at_the_end["run"]["status"] == "succeeded"
    kinds = {entry["name"]: entry["kind"] for entry in at_the_end["lineages"]}
    assert kinds["train__loss"] == "metric"
    assert kinds["env"] == "env"


@pytest.mark.server
@pytest.mark.xdist_group("server")
def test_the_original_client_and_the_server_read_json_lines(tmp_path):
    figure = {
        "kind": "plotly",
        "figure": {"data": [{"y": [1.0, None]}], "layout": {"title": "a|b"}},
    }
    values = {"text": "a|b\nc", "html": "<p>|</p>", "chart": figure, "span": {"name": "s|t"}}
    with axonlog.Run(project="acme/digits", name="n", is_offline=True) as run:
        directory = Path(run.context.artifacts_path.value)
        for kind, value in values.items():
            for step in (1, 2):
                moment = datetime(2026, 1, 2, 3, 4, step, tzinfo=timezone.utc)
                run._recorder.store.append_event(kind, "a", step, moment, value)
    read = read_back(directory)
    for kind, value in values.items():
        for reader in ("client", "server"):
            columns = read["events"][f"events/{kind}/a.plx"][reader]
            assert columns["step"] == [1, 2]
            texts = columns[kind]
            if kind in ("chart", "span"):
                texts = [json.loads(text) for text in texts]
            assert texts == [value, value]
    steps = {entry["kind"]: entry["summary"].get("step") for entry in read["lineages"]}
    assert [steps[kind] for kind in values] == [{"count": 2, "min": 1, "max": 2}] * 4
