from axonlog.delivery import Stamp, changed_fields, due_conditions, due_files, shipments
from axonlog.store import Condition, RunRecord

SECOND = 1_000_000_000
NOW = 1_000 * SECOND


def stamp(size, age_s=100):
    return Stamp(size_bytes=size, modified_ns=NOW - age_s * SECOND)


def due(found, sent=None, *, final=False):
    return due_files(found, sent or {}, now_ns=NOW, final=final)


def test_what_the_server_has_is_not_sent_again():
    files = {"events/metric/loss.plx": stamp(10), "outputs/model.pt": stamp(10)}
    assert due(files, files) == []
    assert due(files, files, final=True) == []


def test_events_go_first():
    found = {"outputs/a": stamp(1), "events/metric/b.plx": stamp(1), "assets/c": stamp(1)}
    assert due(found) == ["events/metric/b.plx", "assets/c", "outputs/a"]


def test_a_small_event_file_is_sent_with_every_change():
    path = "events/metric/loss.plx"
    assert due({path: stamp(101, age_s=0)}, {path: stamp(100)}) == [path]


def test_a_large_event_file_waits_until_it_has_grown_by_a_factor_or_the_run_ends():
    path = "events/metric/loss.plx"
    sent = {path: stamp(1_000_000)}
    assert due({path: stamp(1_399_999)}, sent) == []
    assert due({path: stamp(1_400_000)}, sent) == [path]
    assert due({path: stamp(1_000_001)}, sent, final=True) == [path]


def test_the_bytes_sent_for_a_growing_metric_stay_linear():
    path, sent, total = "events/metric/loss.plx", {}, 0
    for size in range(70_000, 3_000_000, 1_000):
        if due({path: stamp(size)}, sent):
            sent = {path: stamp(size)}
            total += size
    assert total < 4 * 3_000_000


def test_a_file_that_is_just_being_written_waits_unless_the_run_ends():
    found = {"outputs/model.pt": stamp(10, age_s=1)}
    assert due(found) == []
    assert due(found, final=True) == ["outputs/model.pt"]


def test_several_files_of_a_folder_that_the_server_lacks_go_together():
    paths = [f"events/metric/{name}.plx" for name in "abcd"]
    sizes = dict.fromkeys(paths, 100)
    assert shipments(paths, sizes, []) == [paths]


def test_nothing_goes_as_an_archive_into_a_folder_that_the_server_has():
    paths = [f"events/metric/{name}.plx" for name in "abcd"]
    sizes = dict.fromkeys(paths, 100)
    assert shipments(paths, sizes, ["events/metric/old.plx"]) == [[path] for path in paths]


def test_few_or_large_files_go_one_by_one():
    few = ["a/1", "a/2", "a/3"]
    assert shipments(few, dict.fromkeys(few, 1), []) == [[path] for path in few]
    large = ["a/1", "a/2", "a/3", "a/4"]
    assert shipments(large, dict.fromkeys(large, 5_000_000), []) == [[path] for path in large]


def test_the_files_of_the_run_itself_never_go_as_an_archive():
    paths = ["a", "b", "c", "d"]
    assert shipments(paths, dict.fromkeys(paths, 1), []) == [[path] for path in paths]


def test_changed_fields_are_merged_unless_something_was_taken_away():
    record = RunRecord(
        uuid="1" * 32, name="n", tags=["b"], inputs={"lr": 1, "new": 2}, outputs={"left": 1}
    )
    sent = {"name": "n", "tags": ["a", "b"], "inputs": {"lr": 1}, "outputs": {"gone": 0, "left": 1}}
    assert changed_fields(record, sent) == {
        "tags": (["b"], False),
        "inputs": ({"lr": 1, "new": 2}, True),
        "outputs": ({"left": 1}, False),
    }


def conditions(*statuses):
    return [Condition(type=status) for status in statuses]


def posted(history, handled=0, *, with_final=True):
    return [
        (position, condition.type, forced)
        for position, condition, forced in due_conditions(history, handled, with_final=with_final)
    ]


def test_created_is_left_to_the_server_and_an_ending_waits_for_the_files():
    history = conditions("created", "running", "succeeded")
    assert posted(history, with_final=False) == [(1, "running", False)]
    assert posted(history, 2) == [(2, "succeeded", False)]


def test_after_an_ending_every_status_is_forced():
    history = conditions("running", "succeeded", "running", "failed")
    assert posted(history) == [
        (0, "running", False),
        (1, "succeeded", False),
        (2, "running", True),
        (3, "failed", True),
    ]
