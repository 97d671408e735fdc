"""Where a run's files are."""

import pathlib

import pytest

from axonlog.context import not_built_yet
from axonlog.errors import CacheError

U1 = "8aac02e3a62a4f0aaa257c59da5eab80"


def path_of(world, **call):
    return world.resolve(project="a/b", **call).artifacts_path.value


@pytest.mark.parametrize("is_offline", [True, False])
def test_by_default_it_is_below_the_working_directory(world, is_offline):
    context = world.resolve(project="a/b", is_offline=is_offline)
    place = world.cwd / "axonlog_data" / "runs" / context.run_uuid.value
    assert context.artifacts_path.value == str(place)
    assert context.outputs_path.value == str(place / "outputs")


def test_where_nothing_can_be_written_it_is_with_the_users_data_and_told(world):
    world.can_write = lambda directory: directory != world.cwd
    context = world.resolve(project="a/b", run_uuid=U1)
    place = str(world.home / ".local" / "share" / "axonlog" / "runs" / U1)
    assert context.artifacts_path.value == place
    assert place in context.warnings[0]


def test_the_users_data_may_be_moved(world):
    world.cwd = None
    world.env["XDG_DATA_HOME"] = "/data/xdg"
    assert path_of(world, run_uuid=U1) == f"/data/xdg/axonlog/runs/{U1}"


@pytest.mark.parametrize(
    ("env", "call", "path"),
    [
        ({"POLYAXON_ARTIFACTS_ROOT": "/data/art"}, {}, f"/data/art/{U1}"),
        ({"POLYAXON_ARTIFACTS_ROOT": "/data/{x}"}, {}, "/data/{x}/" + U1),
        ({"POLYAXON_ARTIFACTS_ROOT": "rel"}, {}, f"CWD/rel/{U1}"),
        ({"POLYAXON_ARTIFACTS_ROOT": "~/art"}, {}, f"HOME/art/{U1}"),
        ({"POLYAXON_ARTIFACTS_ROOT": ""}, {}, f"CWD/axonlog_data/runs/{U1}"),
        ({"POLYAXON_OFFLINE_ROOT": "/data/off"}, {}, f"CWD/axonlog_data/runs/{U1}"),
        ({"POLYAXON_OFFLINE_ROOT": "/data/off/"}, {"is_offline": True}, f"/data/off/runs/{U1}"),
        (
            {"POLYAXON_ARTIFACTS_ROOT": "/data/art"},
            {"is_offline": True},
            f"CWD/axonlog_data/runs/{U1}",
        ),
        ({"POLYAXON_ARTIFACTS_ROOT": "/data"}, {"artifacts_path": "/exact"}, "/exact"),
        ({}, {"artifacts_path": "out"}, "CWD/out"),
        ({}, {"artifacts_path": pathlib.Path("/exact")}, "/exact"),
        ({}, {"artifacts_path": "~/out"}, "HOME/out"),
    ],
)
def test_it_may_be_said_where(world, env, call, path):
    world.env.update(env)
    expected = path.replace("CWD", str(world.cwd)).replace("HOME", str(world.home))
    assert path_of(world, run_uuid=U1, **call) == expected


def keep_run(directory):
    directory.mkdir(parents=True)
    (directory / "run.plx.json").write_text("{}")


@pytest.mark.parametrize("usual", ["art", None])
def test_a_run_that_was_tracked_offline_is_continued_online_where_it_is(world, usual):
    world.env["POLYAXON_OFFLINE_ROOT"] = str(world.root / "off")
    if usual:
        world.env["POLYAXON_ARTIFACTS_ROOT"] = str(world.root / usual)
    offline = world.resolve(project="a/b", is_offline=True)
    directory = pathlib.Path(offline.artifacts_path.value)
    assert path_of(world, run_uuid=offline.run_uuid.value) != str(directory)
    keep_run(directory)
    online = world.resolve(project="a/b", run_uuid=offline.run_uuid.value)
    told = online.artifacts_path
    assert (told.value, told.key) == (str(directory), "POLYAXON_OFFLINE_ROOT")
    assert told.source == "environment"
    assert online.outputs_path.value == str(directory / "outputs")


def test_a_place_where_nothing_can_be_written_is_not_told_of_when_the_run_is_elsewhere(world):
    world.env["POLYAXON_OFFLINE_ROOT"] = str(world.root / "off")
    world.cwd = None
    keep_run(world.root / "off" / "runs" / U1)
    assert world.resolve(project="a/b", run_uuid=U1).warnings == ()


def test_a_run_in_its_usual_place_is_not_looked_for_elsewhere(world):
    world.env["POLYAXON_OFFLINE_ROOT"] = str(world.root / "off")
    usual = world.cwd / "axonlog_data" / "runs" / U1
    for directory in (usual, world.root / "off" / "runs" / U1):
        keep_run(directory)
    assert path_of(world, run_uuid=U1) == str(usual)
    assert path_of(world, run_uuid=U1, artifacts_path="/exact") == "/exact"


@pytest.mark.parametrize(
    ("call", "below"),
    [({}, U1), ({"is_new": True}, "_related_runs/NEW"), ({"run_uuid": "1" * 32}, "1" * 32)],
)
def test_a_managed_run_is_in_the_mounted_directory(world, call, below):
    world.env.update(
        POLYAXON_IS_MANAGED="true",
        POLYAXON_RUN_INSTANCE=f"a.b.runs.{U1}",
        POLYAXON_CONTEXT_ROOT="/ctx",
        POLYAXON_ARTIFACTS_ROOT="/ignored",
    )
    context = world.resolve(**call)
    below = below.replace("NEW", context.run_uuid.value)
    assert context.artifacts_path.value == f"/ctx/artifacts/{below}"


CATALOG = (
    '{"connections": [{"name": "artifacts_store", "schema": {"mountPath": "/mnt/store/"}},'
    ' {"name": "gcs", "schema": {"bucket": "gs://bucket/x/"}}, {"name": "odd", "schema": 5}]}'
)


@pytest.mark.parametrize(
    ("catalog", "name", "path"),
    [
        (CATALOG, None, f"/mnt/store/{U1}"),
        (CATALOG, "gcs", f"gs://bucket/x/{U1}"),
        (CATALOG, "odd", None),
        (CATALOG, "nope", None),
        ("{bad", None, None),
        ("[]", None, None),
        (None, None, None),
    ],
)
def test_the_store_is_a_connection_of_the_catalog_or_the_directory(world, catalog, name, path):
    if catalog:
        world.env["POLYAXON_CONNECTIONS_CATALOG"] = catalog
    if name:
        world.env["POLYAXON_ARTIFACTS_STORE_NAME"] = name
    context = world.resolve(project="a/b", run_uuid=U1)
    assert context.store_path.value == (path or context.artifacts_path.value)


@pytest.mark.parametrize(
    ("env", "call", "collected"),
    [
        ({}, {}, (True, True)),
        ({}, {"run_uuid": U1}, (True, False)),
        ({}, {"run_uuid": U1, "collect_resources": True}, (True, True)),
        ({}, {"collect_artifacts": "false"}, (False, False)),
        ({}, {"collect_artifacts": False, "collect_resources": True}, (False, False)),
        ({"POLYAXON_COLLECT_ARTIFACTS": "0"}, {}, (False, False)),
        ({"POLYAXON_COLLECT_ARTIFACTS": "0"}, {"collect_artifacts": True}, (True, True)),
        ({"POLYAXON_COLLECT_RESOURCES": "off"}, {}, (True, False)),
        ({"POLYAXON_IS_MANAGED": "1"}, {}, (True, False)),
        ({"POLYAXON_IS_MANAGED": "1", "POLYAXON_HAS_PROCESS_SIDECAR": "1"}, {}, (True, True)),
        ({"POLYAXON_IS_MANAGED": "1", "POLYAXON_HAS_PROCESS_SIDECAR": "false"}, {}, (True, False)),
        ({"POLYAXON_IS_MANAGED": "1", "POLYAXON_COLLECT_ARTIFACTS": "true"}, {}, (True, False)),
        ({"POLYAXON_IS_MANAGED": "1"}, {"is_new": True}, (True, True)),
    ],
)
def test_what_is_collected(world, env, call, collected):
    world.env.update(env, POLYAXON_RUN_INSTANCE=f"a.b.runs.{U1}")
    context = world.resolve(project="a/b", **call)
    told = (context.collect_artifacts.value, context.collect_resources.value)
    assert told == collected


@pytest.mark.parametrize("field", ["track_logs", "collect_resources"])
def test_what_is_not_built_yet_is_not_promised_and_who_asks_for_it_is_warned(world, field):
    asked = world.resolve(project="a/b", **{field: True})
    assert asked.explain()[field].value == "not built yet"
    (warning,) = not_built_yet(asked)
    assert warning.startswith(f"{field} (from argument {field}) has no effect: the ")
    assert warning.endswith(" is not built yet")
    silent, off = world.resolve(project="a/b"), world.resolve(project="a/b", **{field: False})
    assert (silent.explain()[field].value, [*not_built_yet(silent)]) == ("not built yet", [])
    assert (off.explain()[field].value, [*not_built_yet(off)]) == (False, [])


def test_a_damaged_run_is_not_blamed_on_the_caches(world, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.plx.json").write_text("[]")
    with pytest.raises(CacheError, match=r"holds a list, .*pass is_new=True") as raised:
        world.resolve(project="a/b", is_offline=True, artifacts_path=str(tmp_path / "run"))
    assert "purge" not in str(raised.value)
