"""What the start of a run makes of the server's first answer."""

from __future__ import annotations

import logging

import pytest

import axonlog
from axonlog.errors import ServerError
from support.fault_server import Answer, FaultServer

UUID = "8aac02e3a62a4f0aaa257c59da5eab80"


@pytest.fixture
def start():
    def start(**arguments):
        return axonlog.Run(track_env=False, track_code=False, **arguments)

    return start


class TestInACluster:
    """A job that Polyaxon started."""

    @pytest.fixture(autouse=True)
    def job(self, monkeypatch, tmp_path, fault_server: FaultServer):
        monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
        monkeypatch.setenv("POLYAXON_IS_MANAGED", "true")
        monkeypatch.setenv("POLYAXON_RUN_INSTANCE", f"acme.digits.runs.{UUID}")
        monkeypatch.setenv("POLYAXON_CONTEXT_ROOT", str(tmp_path / "ctx"))

    @pytest.mark.parametrize("body", [b'{"status": "running"}', b"{}", b"[]"])
    def test_an_answer_without_a_uuid_does_not_stop_the_job(self, start, fault_server, body):
        fault_server.fault(Answer(200, body))
        run = start()
        run.log_metrics(loss=0.5, step=1)
        assert (run.run_uuid, run.owner, run.project) == (UUID, "acme", "digits")
        run.end(wait_s=0)

    def test_what_a_run_lacks_is_warned_of(self, start, fault_server, caplog):
        fault_server.fault(Answer(200, b"{}"))
        with caplog.at_level(logging.WARNING, "axonlog"):
            start().end(wait_s=0)
        assert "uuid: field required" in caplog.text

    def test_refused_credentials_stop_it_all_the_same(self, start, fault_server):
        fault_server.fault(Answer(403, b'{"detail": "no"}'))
        with pytest.raises(ServerError, match="403"):
            start()


def test_outside_of_a_cluster_it_is_a_wrong_host(start, monkeypatch, fault_server):
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    fault_server.fault(Answer(200, b"{}"))
    with pytest.raises(ServerError, match="is this a Polyaxon server"):
        start(project="acme/digits", run_uuid=UUID)
