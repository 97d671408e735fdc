from datetime import datetime, timedelta, timezone

from axonlog.delivery import (
    UploadedFile,
    changed_fields,
    due_conditions,
    due_files,
    handled_conditions,
    upload_batches,
)
from axonlog.store import Condition, FileSignature, RunRecord

LOSS = "events/metric/loss.plx"
MODEL = "outputs/model.pt"


def signature(size, modified=1):
    return FileSignature(size_bytes=size, modified_ns=modified)


def sent(size, spent=None):
    return UploadedFile(
        signature=signature(size), remote_bytes=size, spent_bytes=size if spent is None else spent
    )


def due(found, before=None, *, seen=100.0, unsent=0.0, allowance=0.0, final=False):
    return due_files(
        found,
        before or {},
        seen_s=dict.fromkeys(found, seen),
        unsent_s=dict.fromkeys(found, unsent),
        allowance_bytes=allowance,
        final=final,
    )


def test_what_the_server_has_is_not_sent_again():
    files, before = {LOSS: signature(10), MODEL: signature(10)}, {LOSS: sent(10), MODEL: sent(10)}
    assert due(files, before) == []
    assert due(files, before, final=True) == []


def test_events_go_first_and_the_largest_file_last():
    found = {MODEL: signature(9), LOSS: signature(5), "outputs/a": signature(1)}
    assert due(found) == [LOSS, "outputs/a", MODEL]


def test_an_event_file_waits_until_what_was_sent_of_it_is_little_or_the_run_ends():
    before = {LOSS: sent(1_000_000, spent=2_700_000 + 8_192)}
    assert due({LOSS: signature(1_499_999)}, before) == []
    assert due({LOSS: signature(1_500_000)}, before) == [LOSS]
    assert due({LOSS: signature(1_000_001)}, before, final=True) == [LOSS]


def test_a_few_rows_are_sent_whenever_they_change():
    assert due({LOSS: signature(200)}, {LOSS: sent(160, spent=8_000)}) == [LOSS]


def test_a_file_that_has_waited_a_minute_is_sent_while_that_is_little_for_the_line():
    found = {LOSS: signature(101), "events/metric/acc.plx": signature(102)}
    before = {path: sent(100, spent=10_000) for path in found}
    assert due(found, before, unsent=59, allowance=1_000) == []
    assert due(found, before, unsent=60, allowance=150) == [LOSS]


def test_the_bytes_sent_for_a_metric_stay_below_four_times_its_size_however_it_grows():
    for rows_at_once in (1, 7, 100, 5_000):
        for rows in (150, 2_000, 40_000):
            before, total = {}, 0
            for size in (*range(40, 40 * rows, 40 * rows_at_once), 40 * rows):
                if due({LOSS: signature(size)}, before, final=size == 40 * rows):
                    total += size + 600
                    before = {LOSS: sent(size, spent=total)}
            few = 9_400 if rows == 150 else 0
            assert total < 4 * 40 * rows + few, (rows_at_once, rows)


def test_a_file_that_is_just_being_written_waits_unless_the_run_ends():
    found = {MODEL: signature(10)}
    assert due(found, seen=1.9) == []
    assert due(found, seen=2) == [MODEL]
    assert due(found, seen=0, final=True) == [MODEL]


def test_several_files_of_a_folder_that_the_server_lacks_go_together():
    paths = [f"events/metric/{name}.plx" for name in "abcd"]
    sizes = dict.fromkeys(paths, 100)
    assert upload_batches(paths, sizes, []) == [paths]


def test_nothing_goes_as_an_archive_into_a_folder_that_the_server_has():
    paths = [f"events/metric/{name}.plx" for name in "abcd"]
    sizes = dict.fromkeys(paths, 100)
    assert upload_batches(paths, sizes, ["events/metric/old.plx"]) == [[path] for path in paths]


def test_few_or_large_files_go_one_by_one():
    few = ["a/1", "a/2", "a/3"]
    assert upload_batches(few, dict.fromkeys(few, 1), []) == [[path] for path in few]
    large = ["a/1", "a/2", "a/3", "a/4"]
    assert upload_batches(large, dict.fromkeys(large, 5_000_000), []) == [[path] for path in large]


def test_a_large_file_among_small_ones_goes_by_itself():
    sizes = {"a/1": 1, "a/2": 2, "a/3": 3, "a/4": 4, "a/5": 5_000_000}
    assert upload_batches(sizes, sizes, []) == [["a/1", "a/2", "a/3", "a/4"], ["a/5"]]


def test_a_folder_above_one_that_the_server_has_is_there_too():
    above = {f"a/{name}": 1 for name in "1234"}
    assert upload_batches(above, above, ["a/b/c"]) == [[path] for path in above]
    below = {f"a/b/{name}": 1 for name in "1234"}
    both = {**below, **above}
    assert upload_batches(both, both, []) == [list(below), *([path] for path in above)]


def test_the_files_of_the_run_itself_never_go_as_an_archive():
    paths = ["a", "b", "c", "d"]
    assert upload_batches(paths, dict.fromkeys(paths, 1), []) == [[path] for path in paths]


def test_only_the_keys_that_differ_are_sent_to_be_merged():
    record = RunRecord(uuid="1" * 32, name="n", inputs={"lr": 1, "new": 2}, outputs={"a": 1})
    before = {"name": "n", "inputs": {"lr": 1}, "outputs": {"a": 0}}
    assert changed_fields(record, before) == {
        "inputs": ({"new": 2}, True),
        "outputs": ({"a": 1}, True),
    }


def test_what_was_taken_away_here_is_taken_away_there():
    record = RunRecord(uuid="1" * 32, tags=["b"], inputs={}, outputs={"left": 1})
    before = {"tags": ["a", "b"], "inputs": {"lr": 1}, "outputs": {"gone": 0, "left": 1}}
    assert changed_fields(record, before) == {
        "tags": (["b"], False),
        "inputs": ({}, False),
        "outputs": ({"left": 1}, False),
    }
    assert changed_fields(record, {}) == {"tags": (["b"], True), "outputs": ({"left": 1}, True)}


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


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def at(minute, kind="running"):
    return Condition(type=kind, last_transition_time=NOON + timedelta(minutes=minute))


def handled(here, there, attempt_from=None):
    told = [(item.type, item.last_transition_time) for item in there]
    return handled_conditions(
        here, told, attempt_from=len(here) if attempt_from is None else attempt_from
    )


def test_what_the_server_has_of_the_history_is_not_told_again():
    here = [at(0, "created"), at(1), at(2, "failed")]
    assert handled(here, [at(1)]) == 2
    assert handled(here, [at(1), at(2, "failed")]) == 3
    assert handled(here, []) == 0


def test_an_old_ending_does_not_replace_the_status_that_a_newer_attempt_gave():
    here = [at(1), at(2, "failed")]
    there = [at(1), at(10), at(20, "succeeded")]
    assert handled(here, there) == 2


def test_what_the_attempt_that_is_going_on_says_is_news_whatever_its_clock():
    here = [at(1), at(2, "failed"), at(3)]
    assert handled(here, [at(1), at(20, "succeeded")], attempt_from=2) == 2
