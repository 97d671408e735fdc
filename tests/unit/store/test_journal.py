import math
import threading
import warnings
from datetime import datetime, timezone
from decimal import Decimal

import numpy
import pytest
import torch

from axonlog.errors import CacheError, EventError
from axonlog.store.journal import Journal, new_attempt, scan
from axonlog.store.journal._filesystem import file_system_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


_OPEN = []


@pytest.fixture(autouse=True)
def closing():
    yield
    while _OPEN:
        journal = _OPEN.pop()
        journal.close()
        journal.release()


def open_journal(folder, *, mapped=True, accepts_records=lambda: True):
    lost = []
    journal = Journal(
        new_attempt(folder),
        accepts_records=accepts_records,
        on_lost=lambda *told: lost.append(told),
        mapped=mapped,
    )
    _OPEN.append(journal)
    return journal, lost


def points_in(folder):
    """Name, step and value of every point in the files, and the bytes that were dropped."""
    points, dropped = [], 0
    for path in sorted(folder.glob("*.journal")):
        scanned = scan(path.read_bytes(), {})
        dropped += scanned.dropped_bytes
        for batch in scanned.batches:
            for step, values in zip(batch.steps, batch.values, strict=True):
                for name, value in zip(batch.names, values, strict=True):
                    points.append((name, step, value))
    return points, dropped


both = pytest.mark.parametrize("mapped", [True, False], ids=["mapped", "written"])


@both
def test_what_was_logged_is_in_the_file_when_the_call_returns(tmp_path, mapped):
    journal, _ = open_journal(tmp_path, mapped=mapped)
    journal.append({"loss": 0.5, "acc": 0.75}, 1, None)
    assert points_in(tmp_path) == ([("loss", 1, 0.5), ("acc", 1, 0.75)], 0)
    journal.append({"loss": 0.25}, None, None)
    journal.append_one("loss", 0.125, 3, None)
    assert points_in(tmp_path)[0][2:] == [("loss", None, 0.25), ("loss", 3, 0.125)]


@both
def test_a_segment_that_is_full_is_followed_by_the_next(tmp_path, mapped):
    journal, _ = open_journal(tmp_path, mapped=mapped)
    expected = []
    for step in range(40_000):
        journal.append({"loss": step + 0.5}, step, None)
        if step % 1000 == 0:
            journal.append({"a": 1, "b": 2}, step, None)
            journal.prepare()
        expected.append(("loss", step, step + 0.5))
    assert len(list(tmp_path.glob("*.journal"))) >= 3
    points, dropped = points_in(tmp_path)
    assert [point for point in points if point[0] == "loss"] == expected
    assert (len(points), dropped) == (40_080, 0)


def test_a_call_that_is_larger_than_a_segment_gets_one_of_its_size(tmp_path):
    journal, lost = open_journal(tmp_path)
    values = {f"layer_{number}/gradient_norm": float(number) for number in range(60_000)}
    journal.append(values, 1, None)
    assert points_in(tmp_path)[0] == [(name, 1, value) for name, value in values.items()]
    assert lost == []


@both
def test_eight_threads_lose_nothing_and_keep_their_order(tmp_path, mapped):
    journal, _ = open_journal(tmp_path, mapped=mapped)

    def log(thread):
        for step in range(5000):
            journal.append({f"thread_{thread}": float(step)}, step, None)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    points, dropped = points_in(tmp_path)
    for number in range(8):
        mine = [(step, value) for name, step, value in points if name == f"thread_{number}"]
        assert mine == [(step, float(step)) for step in range(5000)]
    assert dropped == 0


def test_a_torn_tail_is_reported_and_costs_nothing_before_it(tmp_path):
    journal, _ = open_journal(tmp_path, mapped=False)
    journal.append({"loss": 0.5}, 1, None)
    whole = journal.size_bytes
    journal.append({"loss": 0.25}, 2, None)
    data = next(tmp_path.glob("*.journal")).read_bytes()
    for end in range(whole, len(data)):
        for rest in (b"", bytes(100)):  # cut off, or the zeros of a preallocated segment
            scanned = scan(data[:end] + rest, {})
            assert [batch.steps for batch in scanned.batches] == [[1]]
            assert scanned.position == whole
            assert scanned.dropped_bytes == len(data[whole:end].rstrip(b"\0"))


def test_a_damaged_record_ends_the_reading(tmp_path):
    journal, _ = open_journal(tmp_path, mapped=False)
    for step in range(3):
        journal.append({"loss": 0.5}, step, None)
    data = bytearray(next(tmp_path.glob("*.journal")).read_bytes())
    data[-50] ^= 1  # in the second of the three
    scanned = scan(bytes(data), {})
    assert [batch.steps for batch in scanned.batches] == [[0]]
    assert scanned.dropped_bytes == len(data) - scanned.position > 0


def test_a_segment_that_was_being_made_holds_nothing(tmp_path):
    for data in (b"", bytes(1000), b"axonlog\n"):
        scanned = scan(data, {})
        assert (scanned.batches, scanned.position) == ([], 0)


def test_a_later_version_and_another_file_are_refused():
    with pytest.raises(CacheError, match="not a segment"):
        scan(b"step|timestamp|metric\n1|t|0.5", {})
    journal_of_tomorrow = bytearray(b"axonlog\n\2\0\0\0\0\0\0\0")
    import zlib

    journal_of_tomorrow += zlib.crc32(journal_of_tomorrow).to_bytes(4, "little")
    with pytest.raises(CacheError, match="version 2: read it with a newer axonlog"):
        scan(bytes(journal_of_tomorrow), {})


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (2, 2.0),
        (2**60, float(2**60)),
        (True, 1.0),
        (Decimal("1.5"), 1.5),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (-0.0, -0.0),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(3), 3.0),
        (numpy.bool_(True), 1.0),
        (numpy.array([0.5]), 0.5),
        (numpy.array(0.5), 0.5),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor([[0.5]]), 0.5),
        (torch.tensor(3), 3.0),
    ],
    ids=str,
)
def test_every_kind_of_number_is_taken_without_a_warning(tmp_path, value, kept):
    journal, _ = open_journal(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(3):  # the later ones may go another way
            journal.append({"loss": value}, step, None)
            journal.append_one("loss", value, step, None)
            journal.append({"loss": value, "acc": 1.0}, step, None)
    points, _ = points_in(tmp_path)
    losses = [value for name, _, value in points if name == "loss"]
    assert losses == [kept] * 9
    assert all(math.copysign(1, loss) == math.copysign(1, kept) for loss in losses)


def test_nan_is_kept(tmp_path):
    journal, _ = open_journal(tmp_path)
    for step in (1, 2, 2**70):
        journal.append({"loss": math.nan}, step, None)
    assert all(math.isnan(value) for _, _, value in points_in(tmp_path)[0])


@pytest.mark.parametrize(
    "bad",
    [None, [1, 2], {}, "high", 1j, numpy.zeros(2), torch.zeros(2), 10**400, object()],
    ids=lambda bad: type(bad).__name__,
)
def test_one_bad_value_costs_no_other_however_often(tmp_path, bad):
    journal, _ = open_journal(tmp_path)
    values = {"first": 1.0, "bad": bad, "last": 2.0}
    before = dict(values)
    for step in range(2):
        with pytest.raises(EventError, match="'bad': a metric"):
            journal.append(values, step, None)
        with pytest.raises(EventError, match="'bad': a metric"):
            journal.append_one("bad", bad, step, None)
    expected = [(name, step, before[name]) for step in range(2) for name in ("first", "last")]
    assert points_in(tmp_path) == (expected, 0)
    assert list(values) == list(before)
    assert all(values[name] is before[name] for name in before)


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (0, 0), (-5, -5), (2**63 - 1, 2**63 - 1), (2**63, 2**63), (-(2**80), -(2**80)), (3.0, 3),
        (True, 1), (None, None), (numpy.int32(7), 7), (torch.tensor(7), 7),
    ],
    ids=str,
)  # fmt: skip
def test_any_step_is_kept(tmp_path, step, kept):
    journal, _ = open_journal(tmp_path)
    for _ in range(2):
        journal.append({"loss": 0.5}, step, None)
        journal.append_one("loss", 0.5, step, None)
    points, _ = points_in(tmp_path)
    assert points == [("loss", kept, 0.5)] * 4
    assert all(type(step) in (int, type(None)) for _, step, _ in points)


@pytest.mark.parametrize("step", [1.5, "one", math.nan, math.inf, [1]], ids=str)
def test_what_is_no_step_is_refused_before_anything_is_kept(tmp_path, step):
    journal, _ = open_journal(tmp_path)
    journal.append({"loss": 0.5}, 1, None)
    for call in (
        lambda: journal.append({"loss": 0.5}, step, None),
        lambda: journal.append_one("loss", 0.5, step, None),
    ):
        with pytest.raises(EventError, match="a step must be a whole number"):
            call()
    assert points_in(tmp_path)[0] == [("loss", 1, 0.5)]


@pytest.mark.parametrize("name", [None, 3, "", "  ", ("loss",)], ids=str)
def test_what_is_no_name_is_refused_and_costs_no_other(tmp_path, name):
    journal, _ = open_journal(tmp_path)
    for _ in range(2):
        with pytest.raises(EventError, match="a name must"):
            journal.append({name: 1.0, "loss": 0.5}, 1, None)
    assert points_in(tmp_path)[0] == [("loss", 1, 0.5)] * 2


@pytest.mark.parametrize("name", ["損失", "\ud800", "a|b\n", "step", "timestamp", "x" * 5000])
def test_any_other_name_comes_back_as_it_was(tmp_path, name):
    journal, _ = open_journal(tmp_path)
    journal.append({name: 0.5}, 1, None)
    assert points_in(tmp_path)[0] == [(name, 1, 0.5)]


def test_a_given_time_comes_back_with_its_zone(tmp_path):
    journal, _ = open_journal(tmp_path)
    journal.append({"loss": 0.5}, 1, "2026-01-02T03:04:05+02:00")
    journal.append({"loss": 0.5}, 1, MOMENT)
    (path,) = tmp_path.glob("*.journal")
    times = [time for batch in scan(path.read_bytes(), {}).batches for time in batch.times]
    assert [time.isoformat() for time in times] == [
        "2026-01-02T03:04:05+02:00",
        "2026-01-02T03:04:05+00:00",
    ]


def test_names_that_are_logged_in_turn_are_read_together_unless_they_share_one(tmp_path):
    journal, _ = open_journal(tmp_path)
    for step in range(3):
        journal.append({"loss": 1.0}, step, None)
        journal.append({"acc": 2.0}, step, None)
    for step in range(3, 5):
        journal.append({"loss": 1.0, "lr": 3.0}, step, None)
        journal.append({"loss": 1.0}, step, None)
    (path,) = tmp_path.glob("*.journal")
    batches = [(batch.names, batch.steps) for batch in scan(path.read_bytes(), {}).batches]
    assert batches == [
        (("loss",), [0, 1, 2]),
        (("acc",), [0, 1, 2]),
        (("loss", "lr"), [3]),
        (("loss",), [3]),
        (("loss", "lr"), [4]),
        (("loss",), [4]),
    ]


def test_who_asks_first_is_asked_again_after_a_pause(tmp_path):
    asked = []
    journal, _ = open_journal(tmp_path, accepts_records=lambda: asked.append(1) or len(asked) < 5)
    for step in range(10):
        journal.append({"loss": 0.5}, step, None)
    before = len(asked)
    journal.suspend()
    while len(asked) < 5:
        journal.append({"loss": 0.5}, 99, None)
        journal.suspend()
    count = len(points_in(tmp_path)[0])
    journal.append({"loss": 0.5}, 100, None)
    assert before == 2
    assert len(points_in(tmp_path)[0]) == count


@both
def test_a_closed_journal_takes_nothing_and_says_so(tmp_path, mapped):
    journal, lost = open_journal(tmp_path, mapped=mapped)
    journal.append({"loss": 0.5}, 1, None)
    append = journal.append
    journal.close()
    append({"loss": 0.25, "acc": 1.0}, 2, None)
    assert points_in(tmp_path)[0] == [("loss", 1, 0.5)]
    assert [count for count, _ in lost] == [2]


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:5 / /proc rw - proc proc rw
40 22 0:40 / /data rw - nfs4 server:/data rw
41 40 0:41 / /data/fast\\040disk rw - xfs /dev/sdb rw
42 22 0:42 / /mnt rw - ext4 /dev/sdc rw
43 42 0:43 / /mnt rw master:1 - fuse.gcsfuse bucket rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/data/runs", "nfs4"),
        ("/data", "nfs4"),
        ("/database", "ext4"),
        ("/data/fast disk/runs", "xfs"),
        ("/mnt/x", "fuse.gcsfuse"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path, kind):
    assert file_system_of(path, MOUNTS) == kind


def test_a_thread_that_hangs_in_a_log_call_keeps_nobody_from_closing(tmp_path, monkeypatch):
    monkeypatch.setattr("axonlog.store.journal._journal._LOCK_TIMEOUT_S", 0.01)
    asked, go_on = [], threading.Event()

    def hang_at_the_second():  # which comes with the lock held
        asked.append(1)
        if len(asked) == 2:
            hanging.set()
            go_on.wait(30)
        return True

    hanging = threading.Event()
    journal, lost = open_journal(tmp_path, accepts_records=hang_at_the_second)
    thread = threading.Thread(target=journal.append, args=({"loss": 0.5}, 1, None))
    thread.start()
    assert hanging.wait(30)
    journal.suspend()
    journal.close()
    assert thread.is_alive()
    go_on.set()
    thread.join()
    assert [count for count, _ in lost] == [1]
    assert points_in(tmp_path) == ([], 0)
