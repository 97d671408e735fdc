"""Owner and project strings."""

import contextlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonlog.context._origin import Origin
from axonlog.context._project_path import ProjectPath, parse_cached_path, parse_path
from axonlog.errors import CacheError, ContextError

OWNER = Origin("argument", "owner")
PROJECT = Origin("argument", "project")
SLUGS = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=12)


def read(owner=None, project=None):
    return parse_path(owner, project, owner_origin=OWNER, project_origin=PROJECT)


@given(owner=SLUGS, team=SLUGS, project=SLUGS, dot=st.sampled_from("/."))
def test_three_parts_are_owner_team_and_project_whatever_separates_them(owner, team, project, dot):
    entity = read(project=dot.join((owner, team, project)))
    assert (entity.owner, entity.team, entity.project) == (owner, team, project)


@given(owner=SLUGS, project=SLUGS)
def test_an_owner_beside_the_project_is_the_same_as_before_it(owner, project):
    assert read(owner, project) == read(project=f"{owner}/{project}", owner=owner)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_with_a_context_error(text):
    with contextlib.suppress(ContextError):
        entity = read(project=text or None)
        allowed = set(string.ascii_letters + string.digits + "_-")
        assert entity.project is None or set(entity.project) <= allowed


@pytest.mark.parametrize(
    ("owner", "project", "entity"),
    [
        (None, None, ProjectPath()),
        ("acme", None, ProjectPath("acme")),
        ("acme/vision", None, ProjectPath("acme", "vision")),
        ("acme.vision", "mnist", ProjectPath("acme", "vision", "mnist")),
        ("acme/vision", "mnist", ProjectPath("acme", "vision", "mnist")),
        ("acme", "acme/mnist", ProjectPath("acme", None, "mnist")),
        ("acme", "acme/vision/mnist", ProjectPath("acme", "vision", "mnist")),
        (None, "/mnist", ProjectPath(None, None, "mnist")),
        (None, "-mnist-", ProjectPath(None, None, "-mnist-")),
    ],
)
def test_strings_are_read_as_people_write_them(owner, project, entity):
    assert read(owner, project) == entity


@pytest.mark.parametrize(
    ("owner", "project", "quoted"),
    [
        ("a/b/c", "mnist", "a/b/c"),
        ("acme", "resnet.v2", "resnet.v2"),
        ("other", "acme/mnist", "other"),
        ("acme/red", "acme/blue/mnist", "blue"),
        (None, "a/b/c/d", "a/b/c/d"),
        (None, "acme//mnist", "acme//mnist"),
        (None, "acme/", "acme/"),
        (None, "a--b", "a--b"),
        (None, "acme/my team/mnist", "my team"),
        (None, "acme/..", "acme/.."),
        (None, "ünï/mnist", "ünï"),
    ],
)
def test_what_no_name_may_be_is_refused_and_quoted(owner, project, quoted):
    with pytest.raises(ContextError, match=re.escape(quoted)):
        read(owner, project)


@pytest.mark.parametrize("project", ["resnet-1.5", "bert.v2", "acme.resnet.50"])
def test_a_version_that_became_a_project_is_told(project):
    assert project in read(project=project).warning


@pytest.mark.parametrize("project", ["acme.mnist", "acme.vision.mnist", "acme/mnist2"])
def test_the_dotted_notation_itself_is_no_reason_to_warn(project):
    assert read(project=project).warning is None


def test_in_a_file_a_dot_is_not_a_separator():
    where = Origin("global cache", "name", "/home/me/.polyaxon/.project")
    with pytest.raises(CacheError, match=r"my\.proj"):
        parse_cached_path("acme", "my.proj", owner_origin=where, project_origin=where)
