import logging

from axonlog.delivery import SyncState, UploadedFile
from axonlog.store import FileSignature


def test_a_ledger_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / ".axonlog" / "delivery.json"
    state = SyncState(destination="here", is_registered=True, statuses=2, fields={"tags": None})
    state.files["a"] = UploadedFile(
        signature=FileSignature(size_bytes=1, modified_ns=2),
        remote_bytes=1,
        digest="d",
        spent_bytes=9,
    )
    state.files["b"] = state.files["a"].model_copy(update={"digest": None})
    state.save(path)
    assert SyncState.load(path, "here") == state
    assert "inode" not in path.read_text()


def test_what_another_server_has_counts_for_nothing_here(tmp_path):
    path = tmp_path / "delivery.json"
    SyncState(destination="there", is_registered=True).save(path)
    assert SyncState.load(path, "here") == SyncState(destination="here")


def test_an_unreadable_ledger_costs_questions_and_a_warning(tmp_path, caplog):
    path = tmp_path / "delivery.json"
    path.write_text("{")
    with caplog.at_level(logging.WARNING, "axonlog"):
        assert SyncState.load(path, "here") == SyncState(destination="here")
    assert (
        "delivery.json cannot be read (it holds something else): the server is asked instead"
        in caplog.text
    )
