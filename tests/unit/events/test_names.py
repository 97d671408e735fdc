import pytest

from axonlog.errors import EventError
from axonlog.events import clean_name


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("loss", "loss"),
        ("train/loss", "train__loss"),
        ("a.b", "a-b"),
        ("val/acc@5", "val__acc5"),
        ("a\\b", "a__b"),
        ("  many   words  ", "many-words"),
        ("é", "e"),
        ("../../up", "-__-__up"),
    ],
)
def test_a_name_is_cleaned_as_polyaxon_cleans_it(given, cleaned):
    assert clean_name(given) == cleaned


def test_a_name_of_which_cleaning_leaves_nothing_gets_one_of_its_own():
    names = ["日本", "日木", "@", "Ж"]
    assert [clean_name(name) for name in names] == ["u65e5-672c", "u65e5-6728", "u40", "u416"]


def test_a_name_too_long_for_a_file_system_is_cut_without_two_becoming_one():
    first, second = clean_name("x" * 300 + "a"), clean_name("x" * 300 + "b")
    assert len(first) == len(second) == 200
    assert first != second


@pytest.mark.parametrize("name", ["", "   ", None, 3, ["loss"]])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(EventError, match="a name must"):
        clean_name(name)
