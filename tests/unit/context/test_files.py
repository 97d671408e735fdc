"""The files of the command line."""

import contextlib
import os

import pytest

from axonlog.context._files import belongs_to_another_user, read_json, read_mapping
from axonlog.errors import CacheError


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    assert read_mapping(tmp_path / ".project", what="the project in") is None


def test_a_directory_in_its_place_says_nothing(tmp_path):
    assert read_json(tmp_path, what="the settings in") is None


@pytest.mark.parametrize(
    "text",
    [
        '{"owner": "acme", "name": "mnist"}',
        '\ufeff{"owner": "acme", "name": "mnist"}',
        "owner: acme\nname: mnist\n",
        "---\n# a comment\nowner: 'acme'\nname: \"mnist\"   # another\n",
    ],
)
def test_json_and_plain_yaml_say_the_same(tmp_path, text):
    path = tmp_path / ".project"
    path.write_text(text, encoding="utf-8")
    assert read_mapping(path, what="the project in") == {"owner": "acme", "name": "mnist"}


def test_yaml_values_keep_their_kind_and_nested_ones_are_passed_over(tmp_path):
    path = tmp_path / ".run"
    path.write_text("uuid: null\nname: 5\ntags:\n- a\nsettings:\n  agent: x\nowner: acme\n")
    assert read_mapping(path, what="the run in") == {
        "uuid": None,
        "name": 5,
        "tags": None,
        "settings": None,
        "owner": "acme",
    }


@pytest.mark.parametrize(
    "text", ["", "  ", "hello", "{bad json}", '["a"]', "null", '"x"', "5", "owner:\n\t- x", "- a"]
)
def test_anything_else_is_refused_with_the_path(tmp_path, text):
    path = tmp_path / ".project"
    path.write_text(text)
    with pytest.raises(CacheError, match="the project in") as caught:
        read_mapping(path, what="the project in")
    assert caught.value.path == path
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / ".run"
    path.write_bytes(bytes.fromhex("fffe00810a"))
    with pytest.raises(CacheError, match="UTF-8"):
        read_mapping(path, what="the run in")


def test_a_broken_file_is_not_quoted(tmp_path):
    path = tmp_path / ".auth"
    path.write_text('{"token": "hunter2"')
    with pytest.raises(CacheError) as caught:
        read_json(path, what="the credentials in")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_loop_of_links_is_no_file_or_a_clear_error(tmp_path):
    path = tmp_path / ".client"
    path.symlink_to(path)
    with contextlib.suppress(CacheError):
        assert read_json(path, what="the settings in") is None


def test_a_file_of_ones_own_belongs_to_nobody_else(tmp_path):
    path = tmp_path / ".client"
    path.write_text("{}")
    assert belongs_to_another_user(path) is False
    assert belongs_to_another_user(tmp_path / "missing") is False


def test_a_file_of_somebody_else_is_told_apart(tmp_path, monkeypatch):
    path = tmp_path / ".client"
    path.write_text("{}")
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert belongs_to_another_user(path) is True
