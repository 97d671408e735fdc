import hashlib
import logging
import re
import subprocess
import threading
from pathlib import Path

import pytest

import axonlog
from axonlog.errors import AxonlogError, ContextError, EventError
from support.runs import document_of, lineage_of, points_of, statuses_of


@pytest.fixture
def run():
    run = axonlog.Run(project="acme/digits", is_offline=True, track_env=False, track_code=False)
    yield run
    run.end()


def directory(run):
    return Path(run.context.artifacts_path.value)


def test_a_run_has_a_uuid_and_a_directory_before_anything_is_logged(run):
    assert directory(run) == Path.cwd() / "axonlog_data" / "runs" / run.run_uuid
    document = document_of(directory(run))
    assert (document["uuid"], document["status"]) == (run.run_uuid, "running")
    assert (document["owner"], document["project"]) == ("acme", "digits")


def test_it_is_shown_in_one_line(run):
    assert repr(run) == f"<Run {run.run_uuid[:8]} in acme/digits, running>"
    run.set_name("first")
    assert repr(run) == f"<Run first {run.run_uuid[:8]} in acme/digits, running>"


def test_a_notebook_shows_a_table_with_the_last_metrics_and_everything_escaped(run):
    run.set_name("<b>first</b>")
    run.log_metrics({"loss": 0.5, "<i>acc</i>": 0.25}, step=1)
    run.log_metrics(loss=0.125, step=2)
    shown = run._repr_html_()
    cells = re.findall(r"<th[^>]*>(.*?)</th><td[^>]*>(.*?)</td>", shown)
    rows = dict(cells)
    assert rows["run"] == "&lt;b&gt;first&lt;/b&gt;"
    assert (rows["uuid"], rows["status"], rows["project"]) == (
        run.run_uuid,
        "running",
        "acme/digits",
    )
    assert (rows["directory"], rows["server"]) == (str(directory(run)), "none, it is local")
    assert rows["loss"] == "0.125"
    assert "0.25" in rows.values()
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_the_table_of_a_run_with_many_metrics_stays_small(run):
    run.log_metrics({f"m{index}": index for index in range(100)}, step=1)
    shown = run._repr_html_()
    assert shown.count("<tr>") < 40
    assert "and 80 more outputs" in shown


def test_points_are_on_disk_when_the_call_returns(run):
    run.log_metric("loss", 0.5, step=1)
    run.log_metrics(step=2, loss=0.25, acc=0.75)
    run.log_metrics({"loss": 0.125}, step=3)
    run.log_metrics(4, loss=0.0625)
    expected = [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)]
    assert points_of(directory(run), "loss") == expected
    assert points_of(directory(run), "acc") == [(2, 0.75)]


def test_a_metric_may_have_any_name_in_a_mapping(run):
    metrics = {"step": 0.5, "timestamp": 1.0, "metrics": 2.0, "self": 3.0}
    run.log_metrics(metrics, step=7)
    for name, value in metrics.items():
        assert points_of(directory(run), name) == [(7, value)]
    assert metrics == {"step": 0.5, "timestamp": 1.0, "metrics": 2.0, "self": 3.0}


def test_one_bad_value_is_named_and_costs_no_other(run):
    with pytest.raises(EventError, match=r"'bad': a metric must be one number, not list \[1, 2\]"):
        run.log_metrics({"good": 1.0, "bad": [1, 2], "later": 2.0}, step=1)
    assert points_of(directory(run), "good") == [(1, 1.0)]
    assert points_of(directory(run), "later") == [(1, 2.0)]


def test_two_steps_are_one_too_many(run):
    with pytest.raises(TypeError, match="two steps"):
        run.log_metrics(1, step=2, loss=0.5)


def test_the_last_values_become_outputs_at_the_end(run):
    run.log_metrics({"train/loss": 0.5, "bad": float("nan")}, step=1)
    run.log_outputs(best=3)
    run.end()
    assert document_of(directory(run))["outputs"] == {"best": 3, "train__loss": 0.5, "bad": "nan"}


def test_inputs_outputs_and_meta_are_merged_or_reset(run):
    run.log_inputs({"model/depth": 3}, lr=0.1)
    run.log_inputs(lr=0.2)
    run.log_meta(fold=1)
    assert document_of(directory(run))["inputs"] == {"model__depth": 3, "lr": 0.2}
    run.log_inputs(True, only=1)
    run.log_meta(reset=True, only=2)
    document = document_of(directory(run))
    assert (document["inputs"], document["meta_info"]) == ({"only": 1}, {"only": 2})


def test_tags_name_description_and_readme(run):
    run.log_tags("a, b")
    run.log_tags(["b", "c"])
    run.log_tags([])
    run.set_name("n")
    run.set_description("d")
    run.set_readme("# r")
    document = document_of(directory(run))
    assert document["tags"] == ["a", "b", "c"]
    assert [document[key] for key in ("name", "description", "readme")] == ["n", "d", "# r"]
    assert run.name == "n"


def test_progress_is_kept_and_checked(run):
    run.log_progress(0.25)
    for wrong, error in [("x", TypeError), (True, TypeError), (1.5, ValueError)]:
        with pytest.raises(error, match="progress must be"):
            run.log_progress(wrong)
    run.end()
    assert document_of(directory(run))["meta_info"] == {"progress": 0.25}


def test_a_status_that_polyaxon_does_not_have_is_refused(run):
    run.log_status("warning", reason="Slow", message="few samples per second")
    with pytest.raises(EventError, match="no such status: 'bored'"):
        run.log_status("bored")
    assert statuses_of(directory(run)) == ["created", "running", "warning"]


def test_a_file_is_copied_and_noted(run, tmp_path):
    source = tmp_path / "data.v1.csv"
    source.write_text("a,b\n")
    run.log_artifact(source, kind="csv", summary={"rows": 0}, rel_path="tables")
    copy = directory(run) / "outputs" / "tables" / "data.v1.csv"
    assert copy.read_text() == "a,b\n"
    assert lineage_of(directory(run))["data"] == {
        "name": "data",
        "kind": "csv",
        "path": "outputs/tables/data.v1.csv",
        "summary": {"rows": 0, "path": str(copy), "hash": hashlib.md5(b"a,b\n").hexdigest()[:12]},
        "is_input": False,
    }


def test_a_model_with_a_step_is_one_of_a_series(run, tmp_path):
    source = tmp_path / "net.PT"
    for step in (1, 2):
        source.write_text(str(step))
        run.log_model(source, framework="torch", summary={"params": 3}, step=step)
    run.end()
    assets = directory(run) / "assets" / "model"
    assert {path.name: path.read_text() for path in assets.iterdir()} == {
        "net_1.pt": "1",
        "net_2.pt": "2",
    }
    events = (directory(run) / "events" / "model" / "net.plx").read_text().split("\n")
    assert events[2].endswith(
        '{"framework":"torch","spec":{"params":3},"path":"assets/model/net_2.pt"}'
    )
    assert lineage_of(directory(run))["net"]["summary"]["step"]["count"] == 2
    assert document_of(directory(run))["meta_info"] == {"has_model": True}


def test_what_is_not_there_cannot_be_logged(run, tmp_path):
    with pytest.raises(EventError, match=r"no such file or folder: '.*missing\.pt'"):
        run.log_model(tmp_path / "missing.pt")
    assert "meta_info" not in document_of(directory(run))


def test_a_reference_is_noted_without_a_copy(run):
    run.log_file_ref("s3://bucket/key.txt", is_input=True)
    entry = lineage_of(directory(run))["key"]
    assert (entry["path"], entry["is_input"]) == ("s3://bucket/key.txt", True)
    assert list((directory(run) / "outputs").iterdir()) == []


def test_paths_are_inside_the_run(run):
    outputs = directory(run) / "outputs"
    assert run.get_outputs_path() == str(outputs)
    assert run.get_outputs_path("a/b", is_dir=True) == str(outputs / "a" / "b")
    assert (outputs / "a" / "b").is_dir()
    assert run.get_artifacts_path("x/y.txt") == str(directory(run) / "x" / "y.txt")
    assert not (directory(run) / "x").exists()


def test_a_code_reference_needs_a_commit_and_never_shows_credentials(run, tmp_path):
    run.log_code_ref()  # no checkout here
    run.log_code_ref({"branch": "main"})
    assert not (directory(run) / "lineages.plx.json").exists()
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
    for command in (
        ["init", "-q"],
        [*identity, "commit", "-q", "--allow-empty", "-m", "first"],
        ["remote", "add", "origin", "https://user:secret@example.com/acme/digits.git"],
    ):
        subprocess.run(["git", *command], check=True, cwd=tmp_path)
    run.log_code_ref()
    (entry,) = lineage_of(directory(run)).values()
    assert entry["kind"] == "coderef"
    assert entry["summary"]["url"] == "https://example.com/acme/digits.git"
    assert entry["summary"]["commit"] == entry["name"]


def test_the_surroundings_are_noted_with_the_context_and_without_secrets(monkeypatch):
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "very-secret")
    with axonlog.Run(project="acme/digits", is_offline=True, track_code=False) as run:
        pass
    text = (directory(run) / "outputs" / "env.json").read_text()
    assert '"python"' in text
    assert '"project":{"field":"project","value":"digits"' in text
    every_file = [path for path in directory(run).rglob("*") if path.is_file()]
    assert all(b"very-secret" not in path.read_bytes() for path in every_file)


def test_an_ended_run_says_how_to_go_on(run):
    run.end()
    run.end()
    run.log_failed(message="too late")
    assert run.status == "succeeded"
    with pytest.raises(
        AxonlogError, match=rf"has ended \(succeeded\).*init\(run_uuid='{run.run_uuid}'"
    ):
        run.log_metrics(loss=0.5)


def test_a_settled_run_is_set_running_by_the_next_record(run):
    run.log_metrics(loss=0.5, step=1)
    run.settle("succeeded")
    document = document_of(directory(run))
    assert (document["status"], document["outputs"]) == ("succeeded", {"loss": 0.5})
    run.log_metrics(loss=0.25, step=2)
    assert document_of(directory(run))["status"] == "running"
    run.settle("failed", reason="ValueError")
    run.settle("succeeded")
    run.end()
    assert statuses_of(directory(run)) == ["created", "running", "succeeded", "running", "failed"]


def test_what_is_noted_beside_the_training_leaves_a_settled_run_alone(monkeypatch):
    may_describe = threading.Event()
    monkeypatch.setattr(
        "axonlog.tracking._run_files.describe_environment",
        lambda: {"waited": may_describe.wait(10)},
    )
    with axonlog.Run(project="acme/digits", is_offline=True, track_code=False) as run:
        run.settle("succeeded")
        may_describe.set()
    assert statuses_of(directory(run)) == ["created", "running", "succeeded"]
    assert '"waited":true' in (directory(run) / "outputs" / "env.json").read_text()


def test_surroundings_that_cannot_be_noted_are_a_warning(monkeypatch, caplog):
    monkeypatch.setattr("axonlog.tracking._run_files.describe_environment", lambda: 1 / 0)
    with axonlog.Run(project="acme/digits", is_offline=True, track_code=False) as run:
        run.log_metrics(loss=0.5)
    assert run.status == "succeeded"
    assert [r.getMessage() for r in caplog.records] == [
        f"run {run.run_uuid}: cannot note its surroundings"
    ]


def test_an_offline_run_is_continued_by_its_uuid(run):
    run.log_inputs(lr=0.1)
    run.log_metrics(loss=0.5, step=1)
    run.end()
    with axonlog.Run(project="acme/digits", is_offline=True, run_uuid=run.run_uuid) as second:
        second.log_metrics(loss=0.25, step=2)
    assert points_of(directory(run), "loss") == [(1, 0.5), (2, 0.25)]
    document = document_of(directory(run))
    assert (document["inputs"], document["outputs"]) == ({"lr": 0.1}, {"loss": 0.25})
    expected = ["created", "running", "succeeded", "running", "succeeded"]
    assert statuses_of(directory(run)) == expected
    assert lineage_of(directory(run))["loss"]["summary"]["metric"]["count"] == 2.0


def test_another_runs_directory_is_refused(run, tmp_path):
    place = str(directory(run))
    with pytest.raises(ContextError, match=run.run_uuid):
        axonlog.Run(project="acme/digits", is_offline=True, artifacts_path=place, run_uuid="1" * 32)


def test_a_script_that_is_run_again_continues_the_run_in_its_directory(tmp_path):
    arguments = {"project": "acme/digits", "is_offline": True, "track_env": False}
    for step in (1, 2):
        with axonlog.Run(**arguments, artifacts_path=str(tmp_path / "here")) as run:
            run.log_metrics(loss=0.5, step=step)
    assert run.context.is_new.value is False
    assert run.context.run_uuid.path == str(tmp_path / "here" / "run.plx.json")
    assert points_of(tmp_path / "here", "loss") == [(1, 0.5), (2, 0.5)]
    expected = ["created", "running", "succeeded", "running", "succeeded"]
    assert statuses_of(tmp_path / "here") == expected


def test_a_new_run_in_an_occupied_directory_is_kept_beside_it(tmp_path, caplog):
    arguments = {"project": "acme/digits", "is_offline": True, "track_env": False}
    place = tmp_path / "here"
    runs = []
    for _ in range(3):
        runs.append(axonlog.Run(**arguments, artifacts_path=str(place), is_new=True))
        runs[-1].end()
    assert [directory(run) for run in runs] == [place, tmp_path / "here-2", tmp_path / "here-3"]
    assert len({run.run_uuid for run in runs}) == 3
    told = f"{place} holds another run: the new run is kept in {place}-2"
    assert told in [record.getMessage() for record in caplog.records]


def test_a_uuid_that_is_not_here_is_said_to_be_new(caplog):
    run = axonlog.Run(project="acme/digits", is_offline=True, run_uuid="1" * 32)
    run.end()
    assert (run.run_uuid, run.context.is_new.value) == ("1" * 32, True)
    assert "a new run is started under this uuid" in caplog.text


def test_without_collecting_the_last_values_of_metrics_are_kept_and_that_is_said_once(caplog):
    arguments = {"project": "acme/digits", "is_offline": True, "track_env": False}
    with axonlog.Run(**arguments, collect_artifacts=False) as run:
        for step in range(3):
            run.log_metrics({"train/loss": step / 2, "bad": float("nan")}, step=step)
            run.log_metric("acc", step, step=step)
        run._recorder.store.refresh()
        assert document_of(directory(run))["outputs"]["acc"] == 2.0
        with pytest.raises(EventError, match="'worse': a metric must be one number"):
            run.log_metrics({"worse": None, "better": 1})
        with pytest.raises(EventError, match="a step must be a whole number"):
            run.log_metric("acc", 7, step=0.5)
    assert not list((directory(run) / "events").rglob("*.plx"))
    outputs = {"train__loss": 1.0, "bad": "nan", "acc": 2.0, "better": 1.0}
    assert document_of(directory(run))["outputs"] == outputs
    (warning,) = [r.getMessage() for r in caplog.records if "collect_artifacts" in r.getMessage()]
    assert "collect_artifacts is off (from collect_artifacts)" in warning
    with pytest.raises(AxonlogError, match="has ended"):
        run.log_metric("acc", 1)


def test_a_no_op_run_does_nothing_and_says_so():
    run = axonlog.Run(no_op=True)
    assert (run.run_uuid, run.owner, run.status, run.is_ended) == (None, None, None, False)
    assert run.context.no_op.value is True
    assert run.log_metrics(loss=0.5) is None
    assert run.log_artifact("missing") is None
    assert run.get_outputs_path() is None
    run.settle("failed")
    run.end()
    assert repr(run) == "<Run no-op>"
    assert run._repr_html_().count("<tr>") == 1
    assert list(Path.cwd().iterdir()) == []


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "run")
    with pytest.raises(ContextError, match=r"file/run \(from argument\) cannot be the run's dir"):
        axonlog.Run(project="acme/digits", is_offline=True, artifacts_path=place)


def test_text_that_is_no_unicode_does_not_spoil_the_run(run):
    run.set_name("a\ud800")
    run.log_inputs({"k\udcff": 1})
    run.log_tags("t\ud800")
    run.log_metrics({"\ud800": 0.5}, step=1)
    run.log_outputs(best=1)
    run.end()
    document = document_of(directory(run))
    assert (document["name"], document["inputs"], document["tags"]) == ("a?", {"k": 1}, ["t?"])
    assert (document["outputs"], document["status"]) == ({"best": 1, "ud800": 0.5}, "succeeded")
    assert points_of(directory(run), "ud800") == [(1, 0.5)]


def test_an_input_without_a_name_is_named_and_costs_no_other(run):
    with pytest.raises(EventError, match="a name must hold at least one character"):
        run.log_inputs({"": 1, 3: 2, "lr": 0.1, "日lr": 0.2})
    inputs = document_of(directory(run))["inputs"]
    assert (inputs.pop("3"), inputs.pop("lr")) == (2, 0.1)
    assert list(inputs.values()) == [0.2]


@pytest.mark.parametrize(
    "url",
    [
        "https://bob:p@secret@example.com:8443/acme/digits.git",
        "https://example.com:8443/acme/digits.git?private_token=secret",
    ],
)
def test_no_credentials_of_a_remote_are_noted(run, tmp_path, url):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
    for command in (
        ["init", "-q"],
        [*identity, "commit", "-q", "--allow-empty", "-m", "first"],
        ["remote", "add", "origin", url],
    ):
        subprocess.run(["git", *command], check=True, cwd=tmp_path)
    run.log_code_ref()
    (entry,) = lineage_of(directory(run)).values()
    assert entry["summary"]["url"] == "https://example.com:8443/acme/digits.git"


def test_a_deleted_working_directory_is_no_code(run, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    run.log_code_ref()
    assert not (directory(run) / "lineages.plx.json").exists()


def test_an_input_of_300_000_numbers_is_described_and_that_is_said_once(run, caplog):
    for _ in range(2):
        run.log_inputs(ids=list(range(300_000)), lr=0.1)
    inputs = document_of(directory(run))["inputs"]
    assert (inputs["lr"], inputs["ids"]["length"]) == (0.1, 300_000)
    assert (directory(run) / "run.plx.json").stat().st_size < 3000
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith("'ids' is too large")


def test_who_asks_for_what_is_not_built_yet_is_warned(tmp_path, caplog):
    with axonlog.Run(project="a/b", is_offline=True, track_logs=True, collect_resources=True):
        pass
    said = [text for text in map(logging.LogRecord.getMessage, caplog.records) if "built" in text]
    assert said == [
        "track_logs (from argument track_logs) has no effect: the capture of console output is not "
        "built yet",
        "collect_resources (from argument collect_resources) has no effect: the sampling of "
        "processor and memory is not built yet",
    ]
