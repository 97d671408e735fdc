"""Owner, team and project of a run."""

import json

import pytest

from axonlog.errors import ArgumentTypeError, CacheError, ContextError

INSTANCE = "acme.mnist.runs.8aac02e3a62a4f0aaa257c59da5eab80"


def place(context):
    return (context.owner.value, context.team.value, context.project.value)


def test_a_project_alone_stays_with_the_owner_of_the_local_cached_project(world):
    for file in ("locally", "globally"):
        getattr(world, file)(".project", {"owner": f"{file}-org/vision", "name": "cached"})
    world.globally(".user", {"organization": "jane-org"})
    context = world.resolve(project="explicit")
    assert place(context) == ("locally-org", "vision", "explicit")
    assert context.owner.path == str(world.cwd / ".polyaxon" / ".project")
    losers = [lost.value for lost in context.owner.shadowed]
    assert losers == ["jane-org", "globally-org"]


def test_the_current_organization_is_stronger_than_a_global_project_and_a_notice_tells(world):
    path = world.globally(".project", {"owner": "last-org/vision", "name": "cached"})
    world.globally(".user", {"organization": "jane-org"})
    context = world.resolve(project="explicit")
    assert place(context) == ("jane-org", None, "explicit")
    assert context.owner.path == str(world.home / ".polyaxon" / ".user")
    notice = next(notice for notice in context.notices if "last-org" in notice)
    for word in ("`jane-org`", str(path), "project='last-org/explicit'"):
        assert word in notice


@pytest.mark.parametrize("user", [{"organization": "acme"}, {"organization": "acme/x"}, {}])
def test_no_notice_where_the_global_project_agrees_or_decides(world, user):
    world.globally(".project", {"owner": "acme", "name": "cached"})
    world.globally(".user", user)
    context = world.resolve(project="explicit")
    assert context.owner.value == "acme"
    assert [notice for notice in context.notices if "pass project=" in notice] == []


def test_a_global_project_that_cannot_be_read_has_no_say_where_the_organization_is_known(world):
    world.globally(".project", "{bad")
    world.globally(".user", {"organization": "jane-org"})
    assert place(world.resolve(project="explicit")) == ("jane-org", None, "explicit")


def test_what_is_cached_in_the_home_itself_is_local_there(world):
    world.cwd = world.home
    world.globally(".project", {"owner": "acme", "name": "cached"})
    world.globally(".user", {"organization": "jane-org"})
    assert place(world.resolve(project="explicit")) == ("acme", None, "explicit")


def test_without_a_cached_project_it_stays_with_the_cached_user(world):
    world.globally(".user", {"username": "jane", "organization": "jane-org/vision"})
    assert place(world.resolve(project="mnist")) == ("jane-org", "vision", "mnist")


def test_with_nobody_known_the_owner_is_the_default_one_and_whoever_asks_is_told(world):
    world.globally(".user", {"username": "jane"})
    context = world.resolve(project="mnist")
    assert (context.owner.value, context.owner.source) == ("default", "default")
    assert context.warnings == ()
    assert "'default'" in world.resolve(project="mnist", log_context=True).warnings[0]


def test_a_cached_project_without_an_owner_takes_the_users(world):
    world.locally(".project", {"name": "mnist"})
    world.globally(".project", {"owner": "other", "name": "other"})
    world.globally(".user", {"organization": "jane-org"})
    assert place(world.resolve()) == ("jane-org", None, "mnist")


def test_an_owner_alone_must_be_that_of_the_cached_project(world):
    world.locally(".project", {"owner": "acme", "name": "mnist"})
    assert place(world.resolve(owner="acme/vision")) == ("acme", "vision", "mnist")
    with pytest.raises(ContextError, match="'zeta'") as caught:
        world.resolve(owner="zeta")
    assert "acme/mnist" in str(caught.value)


def test_no_project_lists_every_place_that_was_looked_at(world):
    with pytest.raises(ContextError) as caught:
        world.resolve(owner="acme")
    message = str(caught.value)
    for word in (
        "owner 'acme' is given",
        "project=",
        "trainer config",
        "client=",
        "POLYAXON_RUN_INSTANCE",
        str(world.cwd / ".polyaxon" / ".project"),
        str(world.home / ".polyaxon" / ".project"),
        "pass project=",
    ):
        assert word in message


@pytest.mark.parametrize(
    ("directory", "project"),
    [
        ("digits", "digits"),
        ("My digits.v2", "My-digits-v2"),
        ("a--b__c-", "a-b__c"),
        ("Übung", "Ubung"),
        ("数字", "default"),
        ("x" * 200, "x" * 128),
    ],
)
def test_an_offline_run_needs_no_project(world, directory, project):
    world.cwd = world.root / directory
    world.cwd.mkdir()
    context = world.resolve(is_offline=True)
    assert place(context) == ("default", None, project)
    assert context.project.source == "default"
    assert context.explain()["project"].value == project


def test_by_the_variable_it_needs_none_either_and_an_owner_is_kept(world):
    world.env["POLYAXON_IS_OFFLINE"] = "true"
    world.globally(".user", {"organization": "jane-org"})
    assert place(world.resolve()) == ("jane-org", None, "work")
    assert place(world.resolve(owner="acme/vision")) == ("acme", "vision", "work")


def test_a_removed_working_directory_has_no_name_for_a_project(world):
    world.cwd = None
    assert world.resolve(is_offline=True).project.value == "default"


def test_whoever_names_a_project_is_stronger_than_the_directory(world):
    world.locally(".project", {"owner": "acme", "name": "mnist"})
    assert place(world.resolve(is_offline=True)) == ("acme", None, "mnist")


def test_a_run_on_disk_keeps_the_project_that_it_got(world):
    run = {"uuid": "8aac02e3a62a4f0aaa257c59da5eab80", "owner": "default", "project": "old"}
    directory = world.root / "run"
    directory.mkdir()
    (directory / "run.plx.json").write_text(json.dumps(run))
    context = world.resolve(is_offline=True, run_uuid=run["uuid"], artifacts_path=str(directory))
    assert place(context) == ("default", None, "old")


def test_an_instance_without_the_managed_flag_is_pointed_at(world):
    world.env["POLYAXON_RUN_INSTANCE"] = INSTANCE
    with pytest.raises(ContextError, match="POLYAXON_IS_MANAGED=true"):
        world.resolve()


@pytest.mark.parametrize("content", [{"owner": "acme"}, {"owner": "acme", "name": ""}, {}])
def test_an_incomplete_cached_project_is_named(world, content):
    path = world.globally(".project", content)
    with pytest.raises(CacheError, match="no name") as caught:
        world.resolve()
    assert caught.value.path == path


def test_a_broken_cached_project_matters_only_when_it_is_needed(world):
    path = world.locally(".project", "{bad")
    world.globally(".project", {"owner": "acme", "name": "mnist"})
    assert place(world.resolve(project="acme/mnist")) == ("acme", None, "mnist")
    for needing in ({}, {"project": "mnist"}):
        with pytest.raises(CacheError) as caught:
            world.resolve(**needing)
        assert caught.value.path == path


def test_only_owner_and_name_of_a_cached_project_matter(world):
    world.globally(".project", {"owner": "acme", "name": "mnist", "uuid": "nope", "tags": 5})
    assert place(world.resolve()) == ("acme", None, "mnist")


def test_all_global_files_follow_polyaxon_home(world):
    moved = world.root / "moved"
    moved.mkdir()
    world.env["POLYAXON_HOME"] = str(moved)
    world.globally(".project", {"owner": "acme", "name": "home"})
    world.put(moved, ".project", {"owner": "acme", "name": "moved"})
    assert place(world.resolve()) == ("acme", None, "moved")


def test_the_home_file_moves_them_too_and_the_variable_is_stronger(world):
    for name in ("one", "two"):
        (world.root / name).mkdir()
        world.put(world.root / name, ".project", {"owner": "acme", "name": name})
    world.globally(".home", f"path: {world.root / 'one'}\n")
    assert world.resolve().project.value == "one"
    world.env["POLYAXON_HOME"] = str(world.root / "two")
    assert world.resolve().project.value == "two"


def test_a_broken_home_file_is_named(world):
    world.globally(".home", "{bad")
    with pytest.raises(CacheError, match=r"\.home"):
        world.resolve(project="a/b")


def test_without_a_home_the_shared_directory_is_the_global_one(world):
    world.home = world.root / "missing"
    world.put(world.shared, ".project", {"owner": "acme", "name": "mnist"})
    assert place(world.resolve()) == ("acme", None, "mnist")


def test_a_home_that_cannot_be_written_to_is_read_all_the_same(world):
    world.globally(".project", {"owner": "acme", "name": "mnist"})
    world.can_write = lambda directory: directory != world.home
    assert place(world.resolve()) == ("acme", None, "mnist")


def test_in_the_home_itself_a_file_does_not_shadow_itself(world):
    world.cwd = world.home
    world.globally(".project", {"owner": "acme", "name": "mnist"})
    context = world.resolve()
    assert (context.project.source, context.project.shadowed) == ("local cache", ())


class TestManaged:
    """A run that Polyaxon started."""

    @pytest.fixture(autouse=True)
    def managed(self, world):
        world.env.update(POLYAXON_IS_MANAGED="true", POLYAXON_RUN_INSTANCE=INSTANCE)

    def test_the_instance_beats_what_the_image_holds(self, world):
        world.locally(".project", {"owner": "old", "name": "stale"})
        world.locally(".run", {"uuid": "3" * 32, "owner": "old", "project": "stale"})
        context = world.resolve()
        assert place(context) == ("acme", None, "mnist")
        assert context.run_uuid.value == INSTANCE.rsplit(".", 1)[1]
        assert [s.value for s in context.project.shadowed] == ["stale"]

    @pytest.mark.parametrize("project", ["mnist", "acme/mnist"])
    def test_the_same_project_attaches_to_the_same_run(self, world, project):
        context = world.resolve(project=project)
        assert context.run_uuid.value == INSTANCE.rsplit(".", 1)[1]
        assert context.is_new.value is False

    @pytest.mark.parametrize("project", ["other", "zeta/mnist"])
    def test_another_project_needs_a_new_run(self, world, project):
        with pytest.raises(ContextError, match="is_new=True"):
            world.resolve(project=project)
        assert world.resolve(project=project, is_new=True).is_new.value is True

    def test_another_owner_alone_is_refused(self, world):
        with pytest.raises(ContextError, match="'zeta'"):
            world.resolve(owner="zeta")

    @pytest.mark.parametrize(
        "instance",
        [
            "...",
            "a.b.runs",
            "a/b/runs/c",
            ".b.runs." + "1" * 32,
            "a.b.runs.banana",
            "a b.c.runs." + "1" * 32,
        ],
    )
    def test_an_instance_that_makes_no_sense_is_named(self, world, instance):
        world.env["POLYAXON_RUN_INSTANCE"] = instance
        with pytest.raises(ContextError, match="POLYAXON_RUN_INSTANCE"):
            world.resolve()

    @pytest.mark.parametrize("call", [{}, {"is_offline": True}, {"project": "acme/mnist"}])
    def test_without_an_instance_there_is_no_run_info(self, world, call):
        del world.env["POLYAXON_RUN_INSTANCE"]
        with pytest.raises(ContextError, match="run info"):
            world.resolve(**call)

    def test_without_an_instance_a_new_run_of_a_full_project_is_possible(self, world):
        del world.env["POLYAXON_RUN_INSTANCE"]
        assert world.resolve(project="acme/mnist", is_new=True).project.value == "mnist"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", 5),
        ("project", ["acme", "mnist"]),
        ("owner", {"name": "acme"}),
        ("run_uuid", 7),
        ("is_new", "false"),
        ("is_offline", "true"),
        ("tags", 5),
        ("name", 5),
        ("description", []),
        ("artifacts_path", 5),
    ],
)
def test_an_argument_of_a_wrong_type_is_a_type_error_that_names_it(world, name, value):
    with pytest.raises(ArgumentTypeError, match=name):
        world.resolve(**{"project": "acme/mnist", name: value})
