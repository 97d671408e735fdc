"""A folder of many event files is replaced as a whole, and the server has no row less for it."""

import json

import pytest

import axonlog
from axonlog.client import RunClient
from axonlog.delivery import Delivery
from axonlog.errors import AxonlogError
from axonlog.store import RunDirectory
from support.clients import client_of
from support.fault_server import Reset

NAMES = [f"m{number:02}" for number in range(60)]
OTHER = "events/metric/m00.plx"
ROW = b"\n9|2030-01-01 00:00:00.000000+00:00|9.0"


@pytest.fixture
def tracked():
    with axonlog.Run(
        project="acme/digits", is_offline=True, track_env=False, track_code=False
    ) as run:
        run.log_metrics(dict.fromkeys(NAMES, 1.5), step=0)
    return run.path


@pytest.fixture
def delivered(server, stub, tracked):
    """Everything is on the server; then each file but one has a row more."""
    step(delivery(server, tracked))
    assert len(stub.contents) == len(NAMES)
    for name in NAMES[1:]:
        with (tracked / f"events/metric/{name}.plx").open("ab") as file:
            file.write(ROW)
    return tracked


def delivery(server, directory):
    client = RunClient("acme", "digits", directory.name, client_of(server.url))
    return Delivery(RunDirectory(directory), client, attempt_from=0)


def step(delivery):
    while delivery.step(final=False):
        pass


def test_a_file_that_is_not_due_and_has_lost_its_rows_keeps_them_on_the_server(
    server, stub, delivered
):
    before = stub.contents[OTHER]
    ledger = json.loads((delivered / ".axonlog/delivery.json").read_text())
    ledger["files"][OTHER]["spent_bytes"] = 10**9
    (delivered / ".axonlog/delivery.json").write_text(json.dumps(ledger))
    (delivered / OTHER).write_bytes(before.split(b"\n")[0] + 5 * ROW)
    step(delivery(server, delivered))
    assert stub.contents[OTHER].startswith(before)
    assert stub.contents["events/metric/m01.plx"].endswith(ROW)


def test_what_a_broken_replacement_took_away_is_sent_by_the_next_step(server, stub, delivered):
    sending = delivery(server, delivered)
    rule = server.fault(Reset(), method="POST", path="/artifacts$")
    with pytest.raises(AxonlogError):
        step(sending)
    rule.remove()
    # The server goes down between deleting the folder and unpacking the archive.
    stub.files.clear()
    stub.contents.clear()
    step(sending)
    assert set(stub.contents) == {f"events/metric/{name}.plx" for name in NAMES}
