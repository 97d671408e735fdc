import pytest

from axonlog.store import merge_rows

HEAD = b"step|timestamp|metric"


def file(*rows):
    return b"\n".join([HEAD, *rows])


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ([b"1|a|1", b"2|a|2"], [b"1|a|1", b"2|a|2"], [b"1|a|1", b"2|a|2"]),
        ([b"1|a|1", b"2|a|2"], [b"1|a|1"], [b"1|a|1", b"2|a|2"]),
        ([b"1|a|1"], [b"1|a|1", b"2|a|2"], [b"1|a|1", b"2|a|2"]),
        ([b"1|a|1", b"2|a|2"], [b"1|a|1", b"2|b|3"], [b"1|a|1", b"2|a|2", b"2|b|3"]),
        ([], [b"1|a|1"], [b"1|a|1"]),
    ],
    ids=["alike", "first longer", "second longer", "parted", "nothing yet"],
)
def test_no_row_of_either_copy_is_lost(first, second, merged):
    assert merge_rows(file(*first), file(*second)) == file(*merged)


def test_a_copy_that_is_not_there_changes_nothing():
    assert merge_rows(b"", file(b"1|a|1")) == merge_rows(file(b"1|a|1"), b"") == file(b"1|a|1")


def test_a_row_that_was_logged_twice_stays_twice():
    twice = file(b"|a|1", b"|a|1", b"|b|2")
    assert merge_rows(file(b"|a|1", b"|c|3"), twice) == file(b"|a|1", b"|c|3", b"|a|1", b"|b|2")
    assert merge_rows(twice, twice) == twice


def test_a_row_that_begins_like_another_one_is_another_one():
    assert merge_rows(file(b"1|a|0.5"), file(b"1|a|0.55")) == file(b"1|a|0.5", b"1|a|0.55")


@pytest.mark.parametrize("cut", [b"12", b"12|202", b"12|2026|"])
def test_a_last_row_that_was_cut_is_the_other_copys_whole_one(cut):
    whole = file(b"11|2026|1", b"12|2026|0.5", b"13|2026|2")
    torn = file(b"11|2026|1", cut)
    assert merge_rows(torn, whole) == merge_rows(whole, torn) == whole


def test_a_cut_row_that_nobody_has_whole_stays():
    assert merge_rows(file(b"1|a|1", b"2|b"), file(b"1|a|1")) == file(b"1|a|1", b"2|b")


def test_it_can_be_done_again_and_changes_nothing_then():
    here, there = file(b"1|a|1", b"2|a|2"), file(b"1|a|1", b"2|b|2", b"3|b|3")
    merged = merge_rows(there, here)
    assert merge_rows(merged, here) == merge_rows(there, merged) == merged


def line(step, text):
    return b'{"timestamp": "2026", "step": %d, "text": "%s"}' % (step, text)


def test_json_lines_are_merged_as_rows_of_a_table_are():
    one, two, three, four = line(1, b"a|b"), line(2, b"c"), line(2, b"d"), line(3, b"e")
    first, second = (b"\n" + b"\n".join(rows) for rows in ([one, two], [one, three, four]))
    assert merge_rows(first, second) == b"\n" + b"\n".join([one, two, three, four])
    assert merge_rows(first, b"\n" + one) == merge_rows(b"", first) == first


@pytest.mark.parametrize("length", [1, 20, 30])
def test_a_json_line_that_was_cut_is_the_other_copys_whole_one(length):
    whole = b"\n" + b"\n".join([line(1, b"a"), line(2, b"b"), line(3, b"c")])
    torn = b"\n" + b"\n".join([line(1, b"a"), line(2, b"b")[:length]])
    assert merge_rows(torn, whole) == merge_rows(whole, torn) == whole


def test_a_document_that_was_cut_is_the_other_copys_whole_one():
    head, rows = b"step|timestamp|model", [b'1|a|{"path":"a"}', b'2|b|{"path":"b"}', b"3|c|{}"]
    whole, torn = b"\n".join([head, *rows]), b"\n".join([head, rows[0], rows[1][:9]])
    assert merge_rows(torn, whole) == merge_rows(whole, torn) == whole
