"""Which run: a new one, or which is resumed."""

import pytest

from axonlog.client import PolyaxonClient
from axonlog.context import ClientConfig
from axonlog.errors import CacheError, ContextError

U1 = "8aac02e3a62a4f0aaa257c59da5eab80"
U2 = "11111111111141118111111111111111"


def choice(context):
    return (context.run_uuid.value, context.is_new.value)


@pytest.fixture
def cached(world):
    world.globally(".project", {"owner": "acme", "name": "mnist"})
    world.globally(".run", {"uuid": U1, "owner": "acme", "project": "mnist"})
    return world


def test_a_new_run_has_a_uuid_of_its_own_at_once(world):
    one, other = world.resolve(project="a/b"), world.resolve(project="a/b")
    assert one.run_uuid.source == "generated"
    assert len({one.run_uuid.value, other.run_uuid.value}) == 2
    assert len(one.run_uuid.value) == 32
    assert one.is_new.value is True


@pytest.mark.parametrize("is_new", [None, False])
def test_a_cached_run_of_the_project_is_resumed(cached, is_new):
    context = cached.resolve(is_new=is_new)
    assert choice(context) == (U1, False)
    assert context.run_uuid.path == str(cached.home / ".polyaxon" / ".run")


def test_a_local_cached_run_beats_the_global_one(cached):
    cached.locally(".run", {"uuid": U2.upper(), "owner": "acme/team", "project": "mnist"})
    context = cached.resolve()
    assert choice(context) == (U2, False)
    assert [s.value for s in context.run_uuid.shadowed] == [U1]


def test_is_new_leaves_the_cached_run_alone_even_a_broken_one(cached):
    cached.globally(".run", "{bad")
    assert cached.resolve(is_new=True).is_new.value is True


def test_is_new_false_with_nothing_to_resume_creates(world):
    context = world.resolve(project="a/b", is_new=False)
    assert context.is_new.value is True
    assert [s.value for s in context.is_new.shadowed] == [False]


def test_a_given_uuid_beats_the_cached_run_and_is_spelled_one_way(cached):
    context = cached.resolve(run_uuid="11111111-1111-4111-8111-111111111111")
    assert choice(context) == (U2, False)
    assert [s.value for s in context.run_uuid.shadowed] == [U1]


def test_a_new_run_and_a_given_uuid_contradict_each_other(cached):
    with pytest.raises(ContextError, match=r"is_new.*run_uuid"):
        cached.resolve(run_uuid=U2, is_new=True)


def test_is_new_in_the_call_beats_a_uuid_in_the_trainer_config(world):
    context = world.resolve(project="a/b", is_new=True, config={"run_uuid": U2})
    assert context.is_new.value is True
    assert context.run_uuid.value != U2
    assert [s.value for s in context.run_uuid.shadowed] == [U2]


def test_a_uuid_in_the_call_beats_is_new_in_the_trainer_config(world):
    with pytest.raises(ContextError, match="contradicts"):
        world.resolve(project="a/b", config={"run_uuid": U2, "is_new": True})


@pytest.mark.parametrize(
    "run",
    [
        {"uuid": U1, "owner": "acme", "project": "other"},
        {"uuid": U1, "owner": "zeta", "project": "mnist"},
        {"uuid": U1, "owner": "zeta"},
        {"uuid": U1, "project": "other"},
    ],
)
@pytest.mark.parametrize("artifacts_path", [None, "/data/x"])
def test_a_cached_run_of_another_project_is_not_written_to(cached, run, artifacts_path):
    cached.globally(".run", run)
    with pytest.raises(ContextError, match=U1) as caught:
        cached.resolve(artifacts_path=artifacts_path)
    assert str(cached.home) in str(caught.value)
    assert "acme/mnist" in str(caught.value)


@pytest.mark.parametrize("run", [{}, {"uuid": None}, {"uuid": ""}, {"owner": "a", "project": "b"}])
def test_a_cached_run_without_a_uuid_is_none(cached, run):
    cached.globally(".run", run)
    assert cached.resolve().is_new.value is True


@pytest.mark.parametrize(
    "run", [{"uuid": 5}, {"uuid": "nope"}, {"uuid": U1, "owner": 5}, ["a"], "hello", ""]
)
def test_a_broken_cached_run_is_named_and_kept(cached, run):
    path = cached.globally(".run", run)
    before = path.read_bytes()
    with pytest.raises(CacheError, match=r"\.run"):
        cached.resolve()
    assert path.read_bytes() == before


def test_fields_of_a_newer_version_do_not_matter(cached):
    cached.globally(
        ".run",
        {"uuid": U1, "owner": "acme", "project": "mnist", "status": "newer", "settings": {"a": {}}},
    )
    assert choice(cached.resolve()) == (U1, False)


@pytest.mark.parametrize("status", ["succeeded", "failed", "stopped"])
def test_resuming_a_finished_run_is_told(cached, status):
    run = {"uuid": U1, "owner": "acme", "project": "mnist", "status": status}
    cached.globally(".run", run)
    assert status in cached.resolve().warnings[0]


def test_the_wrong_owner_of_a_cached_run_is_named_as_it_stands_in_the_file(cached):
    path = cached.globally(".run", {"uuid": U1, "owner": "zeta/vision", "project": "mnist"})
    with pytest.raises(CacheError, match=rf"zeta/vision/mnist/{U1}") as caught:
        cached.resolve()
    assert caught.value.path == path


def test_resuming_a_run_of_unknown_project_is_told(cached):
    cached.globally(".run", {"uuid": U1})
    context = cached.resolve(project="acme/other")
    assert choice(context) == (U1, False)
    assert U1 in context.warnings[0]


def test_a_client_of_another_host_does_not_resume_what_is_cached_for_this_one(cached):
    client = PolyaxonClient(token="t", config=ClientConfig(host="http://other-server"))
    context = cached.resolve(client=client)
    assert context.is_new.value is True
    assert [s.value for s in context.run_uuid.shadowed] == [U1]


def test_offline_looks_at_no_cached_run(cached):
    context = cached.resolve(is_offline=True)
    assert context.run_uuid.source == "generated"
    assert context.project.value == "mnist"


def test_offline_keeps_a_given_uuid_and_writes_it_for_the_first_time(world):
    context = world.resolve(project="a/b", is_offline=True, run_uuid=U1)
    assert choice(context) == (U1, True)


class TestOnDisk:
    """An offline run that is on disk already."""

    @pytest.fixture
    def document(self, world):
        world.env["POLYAXON_OFFLINE_ROOT"] = str(world.root / "offline")
        path = world.root / "offline" / "runs" / U1 / "run.plx.json"
        path.parent.mkdir(parents=True)
        path.write_text(f'{{"uuid": "{U1}", "owner": "filed", "project": "stored"}}')
        return path

    @pytest.mark.parametrize("project", [None, "acme/mnist"])
    def test_it_knows_where_it_belongs(self, world, document, project):
        context = world.resolve(project=project, is_offline=True, run_uuid=U1)
        assert (context.owner.value, context.project.value) == ("filed", "stored")
        assert (context.project.source, context.project.path) == ("run directory", str(document))
        assert choice(context) == (U1, False)

    def test_another_runs_directory_is_refused(self, world, document):
        document.write_text(f'{{"uuid": "{U2}", "owner": "filed", "project": "stored"}}')
        with pytest.raises(ContextError, match=U2):
            world.resolve(is_offline=True, run_uuid=U1)

    @pytest.mark.parametrize("text", ["", "{oops", "[]"])
    def test_a_broken_document_is_named(self, world, document, text):
        document.write_text(text)
        with pytest.raises(CacheError) as caught:
            world.resolve(is_offline=True, run_uuid=U1)
        assert caught.value.path == document


def test_a_run_client_says_which_run_unless_the_call_names_another_project(world):
    client = GivenRunClient(owner="acme", project="mnist", run_uuid=U1)
    assert choice(world.resolve(client=client)) == (U1, False)
    assert choice(world.resolve(client=client, project="mnist")) == (U1, False)
    elsewhere = world.resolve(client=client, project="other")
    assert (elsewhere.owner.value, elsewhere.is_new.value) == ("acme", True)


class GivenRunClient:
    def __init__(self, owner=None, project=None, run_uuid=None, client=None):
        self.owner, self.project, self.run_uuid, self.client = owner, project, run_uuid, client


def test_a_managed_uuid_is_spelled_as_its_directory(world):
    dashed = "8aac02e3-a62a-4f0a-aa25-7c59da5eab80"
    world.env.update(POLYAXON_IS_MANAGED="true", POLYAXON_RUN_INSTANCE=f"acme.mnist.runs.{dashed}")
    context = world.resolve()
    assert context.run_uuid.value == dashed
    assert context.artifacts_path.value == f"/plx-context/artifacts/{dashed}"
