"""References to artifacts: recorded in the lineage, and not copied."""

import logging

import pytest

import axonlog
from axonlog.errors import EventError
from axonlog.store import read_lineage
from axonlog.tracking import V1RunArtifact


@pytest.fixture
def run(tmp_path):
    with axonlog.Run(
        project="acme/digits",
        is_offline=True,
        artifacts_path=tmp_path / "run",
        track_env=False,
        track_code=False,
    ) as run:
        yield run


def entries(run):
    return {entry.name: entry for entry in read_lineage(run.path / "lineages.plx.json")}


def test_a_data_set_is_an_input_that_is_known_by_its_content(run):
    run.log_data_ref("digits", content=[1, 2])
    entry = entries(run)["digits"]
    assert (entry.kind, entry.is_input, entry.path) == ("data", True, None)
    assert entry.summary == {"hash": "04cd0e0151f3"}


def test_a_reference_copies_nothing(run, tmp_path):
    weights = tmp_path / "net.pt"
    weights.write_bytes(b"weights")
    run.log_model_ref(weights, framework="pytorch")
    entry = entries(run)["net"]
    assert (entry.kind, entry.path, entry.summary["framework"]) == (
        "model",
        str(weights),
        "pytorch",
    )
    assert not list(run.path.rglob("*.pt"))
    assert run._recorder.store.document.snapshot().meta_info["has_model"] is True


def test_a_run_has_one_tensorboard_folder(run):
    first = run.get_tensorboard_path()
    assert first == str(run.path / "outputs" / "tensorboard")
    run.log_tensorboard_ref("elsewhere", name="other")
    assert [entry.path for entry in entries(run).values()] == ["outputs/tensorboard"]


def test_what_is_no_entry_is_refused_with_the_field_and_nothing_is_recorded(run):
    good = V1RunArtifact(name="a", kind="file", path="a")
    with pytest.raises(EventError, match="name"):
        run.log_artifact_lineage([good, {"kind": "csv", "path": "c"}])
    assert not (run.path / "lineages.plx.json").exists()


def test_a_reference_to_nothing_is_a_warning(run, caplog):
    with caplog.at_level(logging.WARNING, "axonlog"):
        run.log_artifact_ref(None, "file")
    assert "a file without path= and name= is not recorded" in caplog.text


def test_a_no_op_run_refers_to_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = axonlog.Run(project="acme/digits", no_op=True)
    assert (run.get_tensorboard_path(), run.log_data_ref("digits", content=1)) == (None, None)
    assert list(tmp_path.iterdir()) == []
