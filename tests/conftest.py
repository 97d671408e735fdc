"""What every test gets: no trace of the developer's own context, and a real server if it asks."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.fault_server import FaultProxy, FaultServer
from support.open_runs import end_open_runs
from support.polyaxon_server import PolyaxonServer

# A shell starts what runs in its background with Ctrl-C ignored, and that is inherited: the
# processes that tests interrupt must not ignore it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What grows without end is an error of one test, not the end of the machine; children inherit it.
_MEMORY_BYTES = 8 << 30
resource.setrlimit(
    resource.RLIMIT_DATA, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1])
)

# A shared machine may stand still in the middle of any example.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

_FOREIGN_PREFIXES = ("POLYAXON_", "AXONLOG_")
_FOREIGN_NAMES = frozenset(
    {"NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}
    | {f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")}
)


# A test module that has one of these by name starts processes.
_STARTS_PROCESSES = frozenset(
    {"subprocess", "multiprocessing", "run_code", "run_script", "in_terminal"}
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out; tests of the real server share one worker's."""
    for item in items:
        if _STARTS_PROCESSES & vars(getattr(item, "module", None) or object).keys():
            item.add_marker(pytest.mark.process)
        if "polyaxon_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.server)
            if config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group("server"))


@pytest.fixture(autouse=True)
def isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """An empty home, an empty working directory, no variable that tracking or HTTP reads.

    At the end no run is left open: the next test would join it, and its threads would work with
    whatever that test fakes.
    """
    for name in tuple(os.environ):
        if name.upper().startswith(_FOREIGN_PREFIXES) or name.upper() in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    # The lines at the start and the end of each run; what tests them asks for them.
    monkeypatch.setenv("AXONLOG_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    yield
    end_open_runs()


@pytest.fixture(scope="session")
def polyaxon_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolyaxonServer]:
    """The real server, one for all tests: give each test its own project or run."""
    server = PolyaxonServer(tmp_path_factory.mktemp("polyaxon"))
    try:
        server.start()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    yield server
    server.stop()
    assert not server.outside_log.exists(), server.outside_log.read_text()


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A server that answers 200 and ``{}`` until it is told otherwise."""
    with FaultServer() as server:
        yield server


@pytest.fixture
def fault_proxy(polyaxon_server: PolyaxonServer) -> Iterator[FaultProxy]:
    """The real server behind a proxy that records, and fails when it is told to."""
    with FaultProxy(polyaxon_server.url) as proxy:
        yield proxy
