import enum

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonlog import media
from axonlog.errors import EventError
from axonlog.events import ArtifactKind

TAKES = [(media.take_text, ArtifactKind.TEXT), (media.take_html, ArtifactKind.HTML)]


@pytest.mark.parametrize(("take", "kind"), TAKES)
@given(text=st.text(st.characters(exclude_categories=())))
def test_a_text_is_its_row(take, kind, text):
    snapshot = take(text)
    assert (snapshot.kind, media.encode(snapshot)) == (kind, media.Encoded(text))


class Colour(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize("text", [numpy.str_("red"), Colour.RED])
def test_a_text_of_another_class_is_a_plain_one(text):
    row = media.encode(media.take_text(text)).row
    assert (row, type(row)) == ("red", str)


@pytest.mark.parametrize(("take", "kind"), TAKES)
@pytest.mark.parametrize("value", [None, 1, b"a", ["a"]])
def test_what_is_no_text_is_refused(take, kind, value):
    with pytest.raises(EventError, match=f"{kind} must be a str, not {type(value).__name__}"):
        take(value)
