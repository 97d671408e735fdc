"""What the start of a run makes of the server's first answer."""

from __future__ import annotations

import logging
import socket
import threading
from pathlib import Path

import pytest

import axonlog
from axonlog.errors import MissingRunError, RefusedError, ServerError, TransportError
from support.default_host import set_default_host
from support.fault_server import Answer, FaultServer, Reset
from support.runs import points_of

UUID = "8aac02e3a62a4f0aaa257c59da5eab80"
LOCAL_THREADS = {"axonlog-start", "axonlog-flusher", "axonlog-repair"}
INSTALLATION = b'{"key": "c361", "version": "2.18.0", "dist": "ce", "mode": "sandbox"}'


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


class TestNobodyNamedAServer:
    """The host is only our default: here a port of this machine that the test chooses."""

    @pytest.fixture
    def default(self, monkeypatch):
        def default(url):
            set_default_host(monkeypatch, url)

        return default

    @pytest.fixture
    def nobody(self, default):
        """An address at which connections are refused: its port is bound, nobody listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            default(url)
            yield url

    @pytest.fixture
    def somebody(self, default, fault_server):
        default(fault_server.url)
        return fault_server

    def test_and_none_answers_so_the_run_is_local_in_one_line(self, start, nobody, caplog):
        with caplog.at_level(logging.INFO, "axonlog"):
            run = start(project="acme/digits")
        line, start_line = (r for r in caplog.records if r.name == "axonlog")
        assert line.levelno == logging.INFO
        for word in (nobody, "local", "POLYAXON_HOST", f"axonlog sync {run.run_uuid[:8]}"):
            assert word in line.getMessage()
        assert start_line.getMessage().endswith(f"→ axonlog_data/runs/{run.run_uuid}")
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
        run.end()

    def test_nothing_is_delivered_and_the_end_waits_for_nobody(self, start, nobody):
        before = set(threading.enumerate())
        run = start(project="acme/digits")
        assert run.delivery is None
        assert {t.name for t in set(threading.enumerate()) - before} <= LOCAL_THREADS
        run.log_metrics(loss=0.5, step=1)
        run.end()
        assert points_of(Path(run.get_artifacts_path()), "loss") == [(1, 0.5)]

    def test_the_context_says_that_the_run_is_local(self, start, nobody):
        run = start(project="acme/digits")
        row = run.context.explain()["is_offline"]
        assert (row.value, row.source) == (True, "default")
        run.end()

    def test_an_unknown_run_to_resume_is_local_too(self, start, nobody):
        run = start(project="acme/digits", run_uuid=UUID)
        assert (run.run_uuid, run.delivery) == (UUID, None)
        run.end()

    def test_strict_raises(self, start, nobody):
        with pytest.raises(TransportError, match=nobody) as caught:
            start(project="acme/digits", strict=True)
        assert caught.value.reason == "refused"

    @pytest.mark.parametrize("variable", ["POLYAXON_HOST", "POLYAXON_IS_MANAGED"])
    def test_a_named_host_and_a_cluster_are_waited_for(self, start, nobody, monkeypatch, variable):
        monkeypatch.setenv(variable, nobody if variable == "POLYAXON_HOST" else "true")
        monkeypatch.setenv("POLYAXON_RUN_INSTANCE", f"acme.digits.runs.{UUID}")
        monkeypatch.setenv("POLYAXON_CONTEXT_ROOT", str(Path.cwd() / "ctx"))
        run = start(project="acme/digits")
        assert run.delivery is not None
        assert run.context.is_offline.value is False
        run.end(wait_s=0)

    def test_a_logger_follows(self, nobody):
        from axonlog_lightning import AxonLogger

        logger = AxonLogger(project="acme/digits", track_env=False, track_code=False)
        logger.log_metrics({"loss": 0.5}, step=1)
        assert logger.experiment.delivery is None
        assert logger.experiment.context.is_offline.value is True
        assert logger.context == logger.experiment.context

    @pytest.mark.parametrize(
        "foreign",
        [
            Answer(404, b"<html>no such page</html>", {"Content-Type": "text/html"}),
            Answer(404, b'{"detail": "Not Found"}'),
            Answer(501, b"Unsupported method ('POST')", {"Content-Type": "text/html"}),
            Answer(200, b"<html>hello</html>", {"Content-Type": "text/html"}),
            Answer(302, b"", {"Location": "/hub/"}),
        ],
        ids=["page", "api", "files", "site", "login"],
    )
    def test_another_kind_of_server_is_left_alone_with_a_warning(
        self, start, somebody, caplog, foreign
    ):
        somebody.fault(foreign)
        run = start(project="acme/digits")
        (warning,) = (r for r in caplog.records if r.levelno >= logging.WARNING)
        for word in ("no Polyaxon server", somebody.url, run.run_uuid[:8], "POLYAXON_HOST"):
            assert word in warning.getMessage()
        assert run.delivery is None
        run.end()

    def test_what_speaks_no_http_is_left_alone(self, start, somebody, caplog):
        somebody.fault(Reset())
        run = start(project="acme/digits")
        assert "no Polyaxon server" in caplog.text
        assert run.delivery is None
        run.end()

    def test_a_polyaxon_that_fails_inside_is_waited_for(self, start, somebody):
        somebody.fault(Answer(200, INSTALLATION), path="/installation$")
        somebody.fault(Answer(500, b'{"detail": "oh"}'), path="/runs/sync$")
        run = start(project="acme/digits")
        assert run.delivery is not None
        run.end(wait_s=0)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_polyaxon_that_refuses_the_credentials_raises(self, start, somebody, status):
        somebody.fault(Answer(status, b'{"detail": "no"}'))
        with pytest.raises(RefusedError, match=str(status)):
            start(project="acme/digits")

    def test_a_polyaxon_without_the_run_raises(self, start, somebody):
        somebody.fault(Answer(200, INSTALLATION), path="/installation$")
        somebody.fault(Answer(404, b'{"detail": "no"}'), path=f"/{UUID}$")
        with pytest.raises(MissingRunError, match=UUID):
            start(project="acme/digits", run_uuid=UUID)
