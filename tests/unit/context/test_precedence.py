"""Who wins: every pair of sources, and the table itself."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonlog.client import PolyaxonClient
from axonlog.context import ClientConfig
from axonlog.context._model import Context
from axonlog.context._options import PRECEDENCE, READERS
from axonlog.context._origin import Answer, Origin
from axonlog.context._precedence import decide
from axonlog.errors import ContextError

HOSTS = ("trainer config", "client", "environment", "global cache", "shared cache")
PROJECTS = ("argument", "trainer config", "client", "local cache", "global cache")
FLAGS = ("argument", "trainer config", "client", "environment", "global cache", "shared cache")


class Says:
    """A source that answers every field with one value, or fails, or keeps silent."""

    def __init__(self, value=None, error=None):
        self._value, self._error = value, error

    def answer(self, field):
        if self._error:
            raise self._error
        return None if self._value is None else Answer(self._value, Origin("argument", field))

    def place(self, field):
        return "here"


@given(st.data())
def test_the_first_source_that_answers_wins_and_the_others_are_shadowed_in_order(data):
    field = data.draw(st.sampled_from(sorted(PRECEDENCE)))
    order = PRECEDENCE[field]
    speaking = [name for name in order if data.draw(st.booleans())]
    sources = {name: Says(name if name in speaking else None) for name in order}
    decision = decide(field, sources, fallback="nobody")
    told = [decision.value, *(answer.value for answer in decision.shadowed)]
    assert told == (speaking or ["nobody"])


def test_a_source_that_is_reached_may_fail_and_one_that_has_lost_may_not():
    first, second = PRECEDENCE["timeout"][:2]
    silent = {name: Says() for name in PRECEDENCE["timeout"]}
    broken = Says(error=ContextError("broken"))
    with pytest.raises(ContextError, match="broken"):
        decide("timeout", {**silent, first: broken, second: Says(5)})
    decision = decide("timeout", {**silent, first: Says(5), second: broken})
    assert (decision.value, decision.shadowed) == (5, ())


def test_every_field_of_the_table_has_a_reader_and_nobody_is_asked_twice():
    assert set(PRECEDENCE) <= set(READERS)
    assert [f for f, order in PRECEDENCE.items() if len(set(order)) != len(order)] == []


def test_every_setting_of_a_context_is_decided_by_the_table_or_derived():
    derived = {"team", "outputs_path", "store_path", "warnings", "notices", "connection"}
    assert set(Context.model_fields) - set(PRECEDENCE) == derived


@pytest.mark.parametrize(("high", "low"), list(itertools.combinations(HOSTS, 2)))
def test_the_higher_source_of_a_host_wins(world, high, low):
    given = {name: f"http://{name.replace(' ', '-')}" for name in (high, low)}
    context = resolve_with_hosts(world, given)
    assert (context.host.value, context.host.source) == (given[high], high)
    assert [(s.value, s.source) for s in context.host.shadowed] == [(given[low], low)]


def test_any_set_of_hosts_is_ordered_by_the_same_table(world):
    chosen = random.Random(7).sample(HOSTS, 4)
    context = resolve_with_hosts(world, {name: f"http://h{HOSTS.index(name)}" for name in chosen})
    expected = sorted(HOSTS.index(name) for name in chosen)
    told = [context.host.value, *(s.value for s in context.host.shadowed)]
    assert told == [f"http://h{index}" for index in expected]


def resolve_with_hosts(world, hosts):
    if "environment" in hosts:
        world.env["POLYAXON_HOST"] = hosts["environment"]
    if "global cache" in hosts:
        world.globally(".client", {"host": hosts["global cache"]})
    if "shared cache" in hosts:
        world.put(world.shared, ".client", {"POLYAXON_HOST": hosts["shared cache"]})
    client = config = None
    if "client" in hosts:
        client = PolyaxonClient(config=ClientConfig(host=hosts["client"]))
    if "trainer config" in hosts:
        config = {"tracking": {"host": hosts["trainer config"]}}
    return world.resolve(project="acme/mnist", client=client, config=config)


@pytest.mark.parametrize(("high", "low"), list(itertools.combinations(PROJECTS, 2)))
def test_the_higher_source_of_a_project_wins_with_its_owner(world, high, low):
    given = {name: name.replace(" ", "-") for name in (high, low)}
    context = resolve_with_projects(world, given)
    assert (context.project.value, context.project.source) == (given[high], high)
    assert context.owner.value == f"{given[high]}-owner"
    assert [s.value for s in context.project.shadowed] == [given[low]]
    assert [s.value for s in context.owner.shadowed] == [f"{given[low]}-owner"]


def resolve_with_projects(world, projects):
    def file_of(name):
        return {"owner": f"{name}-owner", "name": name}

    def text_of(source):
        return f"{projects[source]}-owner/{projects[source]}" if source in projects else None

    if "local cache" in projects:
        world.locally(".project", file_of(projects["local cache"]))
    if "global cache" in projects:
        world.globally(".project", file_of(projects["global cache"]))
    client = GivenRunClient(project=text_of("client")) if "client" in projects else None
    return world.resolve(
        project=text_of("argument"), config={"project": text_of("trainer config")}, client=client
    )


class GivenRunClient:
    """As much of a RunClient as a context looks at."""

    def __init__(self, owner=None, project=None, run_uuid=None, client=None):
        self.owner, self.project, self.run_uuid, self.client = owner, project, run_uuid, client


@pytest.mark.parametrize(("high", "low"), list(itertools.combinations(FLAGS, 2)))
@pytest.mark.parametrize("value", [True, False])
def test_the_higher_source_of_offline_wins_whatever_it_says(world, high, low, value):
    said = {high: value, low: not value}
    if "environment" in said:
        world.env["POLYAXON_IS_OFFLINE"] = str(said["environment"])
    if "global cache" in said:
        world.globally(".client", {"POLYAXON_IS_OFFLINE": said["global cache"]})
    if "shared cache" in said:
        world.put(world.shared, ".client", {"is_offline": said["shared cache"]})
    config = ClientConfig(is_offline=said["client"]) if "client" in said else None
    context = world.resolve(
        project="acme/mnist",
        is_offline=said.get("argument"),
        config={"is_offline": said.get("trainer config")},
        client=PolyaxonClient(config=config) if config else None,
    )
    assert (context.is_offline.value, context.is_offline.source) == (value, high)


def test_within_one_file_the_name_of_the_variable_beats_the_name_of_the_field(world):
    world.globally(".client", {"host": "http://field", "POLYAXON_HOST": "http://variable"})
    assert world.resolve(project="a/b").host.value == "http://variable"


def test_two_files_are_merged_key_by_key(world):
    world.globally(".client", {"POLYAXON_HOST": "http://home"})
    world.put(world.shared, ".client", {"POLYAXON_HOST": "http://tmp", "POLYAXON_TIMEOUT": 7})
    context = world.resolve(project="a/b")
    assert (context.host.value, context.timeout.value) == ("http://home", 7.0)


def swapped(monkeypatch, field, one, other):
    """The table with two sources of ``field`` in each other's place."""
    swap = {one: other, other: one}
    monkeypatch.setitem(PRECEDENCE, field, tuple(swap.get(s, s) for s in PRECEDENCE[field]))


def test_the_table_decides_the_project(world, monkeypatch):
    world.locally(".project", {"owner": "here", "name": "local"})
    world.globally(".project", {"owner": "there", "name": "global"})
    assert world.resolve().project.value == "local"
    swapped(monkeypatch, "project", "local_project", "global_project")
    context = world.resolve()
    assert (context.owner.value, context.project.value) == ("there", "global")


def test_the_table_decides_the_owner_among_those_who_do_not_name_the_project(world, monkeypatch):
    world.locally(".project", {"name": "local"})
    world.globally(".user", {"organization": "login"})
    assert world.resolve().owner.value == "login"
    without = tuple(name for name in PRECEDENCE["owner"] if name != "user")
    monkeypatch.setitem(PRECEDENCE, "owner", without)
    assert world.resolve().owner.value == "default"


def test_the_table_decides_the_cached_run(world, monkeypatch):
    world.locally(".run", {"uuid": "1" * 32})
    world.globally(".run", {"uuid": "2" * 32})
    assert world.resolve(project="a/b").run_uuid.value == "1" * 32
    swapped(monkeypatch, "run_uuid", "local_run", "global_run")
    context = world.resolve(project="a/b")
    assert context.run_uuid.value == "2" * 32
    assert [lost.value for lost in context.run_uuid.shadowed] == ["1" * 32]
