import pytest

from support.fault_server import FaultServer
from support.stub_polyaxon import StubPolyaxon


@pytest.fixture
def stub():
    return StubPolyaxon()


@pytest.fixture
def server(stub):
    """A server of one run; faults can be added."""
    with FaultServer(otherwise=stub) as server:
        yield server
