"""Single values, from wherever they come."""

import math
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from axonlog.context import _values as values
from axonlog.context._origin import Origin
from axonlog.errors import (
    ArgumentTypeError,
    AuthenticationError,
    AxonlogError,
    CacheError,
    ContextError,
)

VARIABLE = Origin("environment", "POLYAXON_X")
FILE = Origin("global cache", "x", "/home/me/.polyaxon/.client")
ARGUMENT = Origin("argument", "x")
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
READERS = [
    values.text,
    values.path,
    values.flag,
    values.strict_flag,
    values.seconds,
    values.count,
    values.positive_count,
    values.header_text,
    values.token,
    values.host,
    values.uuid,
    values.tags,
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("origin", [VARIABLE, FILE, ARGUMENT])
@given(raw=ANYTHING)
def test_no_reader_raises_anything_but_an_error_of_ours(reader, origin, raw):
    told = str(origin)
    try:
        reader(raw, origin)
    except AxonlogError as error:
        told = str(error)
    assert str(origin) in told


@pytest.mark.parametrize("reader", [r for r in READERS if r not in (values.strict_flag,)])
@pytest.mark.parametrize("blank", [None, "", "  ", "\n"])
def test_blank_says_nothing(reader, blank):
    assert not reader(blank, VARIABLE)


@pytest.mark.parametrize("word", ["true", "TRUE", " 1", "Yes ", "y", "on", "t"])
def test_words_of_consent_are_true(word):
    assert values.flag(word, VARIABLE) is True


@pytest.mark.parametrize("word", ["false", "0", "no", "N", "OFF", "f"])
def test_words_of_refusal_are_false(word):
    assert values.flag(word, VARIABLE) is False


@pytest.mark.parametrize("word", ["2", "1.0", "enabled", "none", "tru e", "тrue", "\uff11"])
def test_other_words_are_refused_with_the_variable_and_the_word(word):
    with pytest.raises(ContextError, match="POLYAXON_X") as caught:
        values.flag(word, VARIABLE)
    assert repr(word) in str(caught.value)


def test_a_flag_given_in_python_must_not_be_text():
    with pytest.raises(ArgumentTypeError, match="x="):
        values.strict_flag("false", ARGUMENT)
    assert values.strict_flag(0, ARGUMENT) is False


@pytest.mark.parametrize("raw", ["nan", "inf", "-1", "10s", "abc", True, [5]])
def test_what_is_no_time_limit_is_refused(raw):
    with pytest.raises(ContextError, match="POLYAXON_X"):
        values.seconds(raw, VARIABLE)


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_every_finite_number_of_seconds_is_accepted(number):
    assert values.seconds(repr(number), VARIABLE) == number
    assert math.isfinite(values.seconds(number, FILE))


@pytest.mark.parametrize(
    ("given_host", "host"),
    [
        ("https://plx.example.org///", "https://plx.example.org"),
        (" http://localhost:8000 ", "http://localhost:8000"),
        ("https://gate.example.org/polyaxon/", "https://gate.example.org/polyaxon"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_loses_its_last_slashes_and_nothing_else(given_host, host):
    assert values.host(given_host, VARIABLE) == host


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000",
        "plx.example.org",
        "ftp://x",
        "http://",
        "http://a b",
        "http://a:port",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused_and_quoted(address):
    with pytest.raises(ContextError, match="POLYAXON_X") as caught:
        values.host(address, VARIABLE)
    assert address in str(caught.value)


def test_a_password_in_an_address_is_refused_without_quoting_it():
    with pytest.raises(ContextError, match="POLYAXON_AUTH_TOKEN") as caught:
        values.host("https://me:hunter2@plx.example.org", VARIABLE)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://plx.example.org?token=hunter2",
        "https://plx.example.org/#token=hunter2",
        "plx.example.org?token=hunter2",
        "http://[::1?token=hunter2",
        "http://a b?token=hunter2",
        "ftp://x#hunter2",
        "me:hunter2@plx.example.org",
        "plx://me:hunter2@plx.example.org",
        "https://me:hunter2@[::1",
    ],
)
def test_what_may_be_secret_in_an_address_is_not_quoted(address):
    with pytest.raises(ContextError, match="POLYAXON_X") as caught:
        values.host(address, VARIABLE)
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mark", ["?", "#", "?a=b", "#a"])
def test_an_address_ends_before_a_query(mark):
    with pytest.raises(ContextError, match=r"'https://plx\.example\.org/x' must not have"):
        values.host(f"https://plx.example.org/x{mark}", VARIABLE)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a", "http://a:80", True),
        ("https://A", "https://a:443", True),
        ("http://a", "https://a", False),
        ("http://a/x", "http://a/y", False),
    ],
)
def test_two_spellings_of_one_server_are_the_same(one, other, same):
    assert values.same_host(one, other) is same


def test_a_token_is_stripped_and_hidden():
    token = values.token(" abc\n", VARIABLE)
    assert token == SecretStr("abc")
    assert "abc" not in repr(token)


@pytest.mark.parametrize("raw", ["tök", "a\nb", "a\x00b"])
def test_a_token_that_no_header_carries_is_refused_without_quoting_it(raw):
    with pytest.raises(AuthenticationError, match="token") as caught:
        values.token(raw, VARIABLE)
    assert raw not in str(caught.value)


def test_a_number_in_place_of_a_token_is_refused_without_quoting_it():
    with pytest.raises(CacheError, match="token") as caught:
        values.token(123456789, FILE)
    assert "123456789" not in str(caught.value)


@pytest.mark.parametrize(
    "spelling",
    [
        "8aac02e3a62a4f0aaa257c59da5eab80",
        "8AAC02E3-A62A-4F0A-AA25-7C59DA5EAB80",
        UUID("8aac02e3a62a4f0aaa257c59da5eab80"),
    ],
)
def test_a_uuid_has_one_spelling(spelling):
    assert values.uuid(spelling, ARGUMENT) == "8aac02e3a62a4f0aaa257c59da5eab80"


@pytest.mark.parametrize("raw", ["banana", "../x", "8aac02e3", "{" + "1" * 32 + "}"])
def test_what_is_no_uuid_is_refused(raw):
    with pytest.raises(ContextError, match="uuid"):
        values.uuid(raw, ARGUMENT)


@pytest.mark.parametrize(
    ("raw", "tags"),
    [("a, b,,c ", ("a", "b", "c")), (["a", " b "], ("a", "b")), ([], ()), (("x",), ("x",))],
)
def test_tags_come_from_a_list_or_from_one_text(raw, tags):
    assert values.tags(raw, ARGUMENT) == tags


@pytest.mark.parametrize("raw", [5, {"a": 1}, b"a", ["a", 1]])
def test_tags_of_another_kind_are_refused(raw):
    with pytest.raises(ArgumentTypeError, match="tag"):
        values.tags(raw, ARGUMENT)
