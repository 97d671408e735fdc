"""The lineage as the server keeps it: by name, one entry for each artifact."""

import uuid

import requests

import axonlog
from axonlog.client import RunClient
from support.clients import client_of

QUIET = {"track_env": False, "track_code": False}


def test_every_artifact_is_an_entry_that_the_server_can_show(
    polyaxon_server, monkeypatch, tmp_path
):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    for name in ("loss.png", "w.fold1.pt", "w.fold2.pt"):
        (tmp_path / name).write_text(name)
    with axonlog.Run(project=f"acme/p-{uuid.uuid4().hex}", **QUIET) as run:
        run.log_artifact(tmp_path / "loss.png", kind="image")
        run.log_metrics(loss=0.5, step=1)
        run.log_model(tmp_path / "w.fold1.pt")
        run.log_model(tmp_path / "w.fold2.pt")
        run.log_file_ref("s3://bucket/key", name="x" * 190)
        run.log_code_ref({"commit": "feature/a b"})
    there = RunClient(run.owner, run.project, run.run_uuid, client_of(polyaxon_server.url))
    entries = {entry.name: (entry.kind, entry.path) for entry in there.get_lineage()}
    (long,) = [name for name in entries if name.startswith("xxx")]
    assert entries == {
        "loss": ("metric", "events/metric/loss.plx"),
        "loss-png": ("image", "outputs/loss.png"),
        "w": ("model", "outputs/w.fold1.pt"),
        "w-fold2-pt": ("model", "outputs/w.fold2.pt"),
        long: ("file", "s3://bucket/key"),
        "feature__a-b": ("coderef", None),
    }
    base = f"{polyaxon_server.url}/api/v1/{run.owner}/{run.project}/runs/{run.run_uuid}"
    for name, (kind, _) in entries.items():
        answer = requests.get(f"{base}/lineage/artifacts/{name}", timeout=30)
        assert (answer.status_code, answer.json()["kind"]) == (200, kind)
