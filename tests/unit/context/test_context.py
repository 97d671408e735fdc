"""The answer itself: what it shows, what it hides, where it travels, what it costs to ask."""

from __future__ import annotations

import copy
import io
import json
import pickle
import socket
import subprocess
import sys
import textwrap

import pytest

from axonlog.cli import _bare
from axonlog.client import PolyaxonClient
from axonlog.context import ClientConfig, Context, resolve
from axonlog.errors import AxonlogError

SECRET = "hunter2-hunter2"


def in_environment(world):
    world.env["POLYAXON_AUTH_TOKEN"] = SECRET


def in_login(world):
    world.globally(".auth", {"token": SECRET})


def in_client_settings(world):
    world.globally(".client", {"token": SECRET})


def in_client(world):
    return PolyaxonClient(token=SECRET)


def in_client_config(world):
    return PolyaxonClient(config=ClientConfig(token=SECRET))


def shadowed(world):
    in_environment(world)
    in_login(world)
    return PolyaxonClient(token="another")


@pytest.mark.parametrize(
    "hide", [in_environment, in_login, in_client_settings, in_client, in_client_config, shadowed]
)
def test_a_token_is_in_no_text(world, hide):
    context = world.resolve(project="a/b", client=hide(world))
    explanation = context.explain()
    texts = (
        repr(context),
        str(context),
        context._repr_html_(),
        context.model_dump_json(),
        repr(context.connection),
        str(explanation),
        repr(explanation),
        explanation._repr_html_(),
        explanation.to_json(),
        *context.warnings,
        *context.notices,
    )
    assert [text for text in texts if SECRET in text] == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda world: world.env.update(POLYAXON_AUTH_TOKEN=f"{SECRET}\u00f6"),
        lambda world: world.globally(".auth", f'{{"token": "{SECRET}"'),
        lambda world: world.globally(".auth", {"token": [SECRET]}),
        lambda world: world.globally(".client", {"token": {"a": SECRET}}),
    ],
)
def test_a_token_is_in_no_error(world, break_it):
    break_it(world)
    with pytest.raises(AxonlogError) as caught:
        world.resolve(project="a/b")
    error = caught.value
    assert SECRET not in f"{error!r} {error} {vars(error)} {error.__cause__!r}"


def test_the_token_itself_is_there_for_who_needs_it(world):
    in_environment(world)
    assert world.resolve(project="a/b").token.value.get_secret_value() == SECRET


def test_a_context_travels_and_does_not_change(world):
    context = world.resolve(project="a/b", tags=["x"])
    assert pickle.loads(pickle.dumps(context)) == context
    assert copy.deepcopy(context) == context
    with pytest.raises(ValueError, match="frozen"):
        context.host = None
    with pytest.raises(ValueError, match="frozen"):
        context.host.value = "http://x"


@pytest.mark.parametrize("hide", [in_environment, in_login, in_client_settings, shadowed])
def test_a_token_is_in_no_pickle_but_in_every_copy(world, hide):
    context = world.resolve(project="a/b", client=hide(world))
    pickled = pickle.dumps(context)
    parts = (context.connection, context.token, context.token.shadowed)
    assert not [p for p in (pickled, *map(pickle.dumps, parts)) if SECRET.encode() in p]
    unpickled = pickle.loads(pickled)
    assert (unpickled.token.value, unpickled.connection.token) == (None, None)
    assert unpickled.token.source == context.token.source
    assert unpickled.connection.host == context.connection.host
    for same in (copy.copy(context), copy.deepcopy(context), context.model_copy(deep=True)):
        assert same == context
        assert same.connection.token.get_secret_value() == context.token.value.get_secret_value()


def test_the_table_tells_value_source_and_what_was_overridden(world):
    world.env["POLYAXON_HOST"] = "http://from-env"
    path = world.globally(".client", {"host": "http://from-home"})
    explanation = world.resolve(project="acme/mnist").explain()
    text = str(explanation)
    assert "http://from-env" in text
    assert "environment POLYAXON_HOST" in text
    assert f"over http://from-home (global cache host {path})" in text
    row = explanation["host"]
    assert (row.value, row.source, row.key) == ("http://from-env", "environment", "POLYAXON_HOST")
    assert {row.field for row in explanation} == set(Context.model_fields) - {
        "connection",
        "warnings",
        "notices",
    }
    with pytest.raises(KeyError):
        explanation["nothing"]


def test_the_table_is_aligned(world):
    lines = str(world.resolve(project="acme/mnist", tags="a,b").explain()).splitlines()
    column = lines[0].index("source")
    assert {line[column - 2 : column] for line in lines if len(line) > column} <= {"  ", "--"} | {
        line[column - 2 : column] for line in lines if str(world.root) in line
    }


def test_the_html_escapes_what_users_write(world):
    explanation = world.resolve(project="a/b", name="<script>alert(1)</script>").explain()
    assert "<script>" not in explanation._repr_html_()


def test_the_json_is_complete(world):
    told = json.loads(world.resolve(project="acme/mnist").explain().to_json())
    assert told["settings"]["project"]["value"] == "mnist"
    assert told["settings"]["owner"]["key"] == "project"
    assert told["warnings"] == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_name_can_be_shown_on_every_output(monkeypatch, encoding):
    monkeypatch.setenv("POLYAXON_IS_OFFLINE", "true")
    name = "\u65e5\u672c"

    def told(*options):
        # As Python opens it under LC_ALL=C.
        output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="surrogateescape")
        monkeypatch.setattr(sys, "stdout", output)
        assert _bare.run(["context", "--project=a/b", f"--name={name}", *options]) == 0
        output.flush()
        return output.buffer.getvalue().decode()

    as_json = told("--json")
    assert as_json.isascii()
    assert json.loads(as_json)["settings"]["name"]["value"] == name
    assert (name if encoding == "utf-8" else r"\u65e5\u672c") in told()


def snapshot(root):
    return {p: (p.lstat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in root.rglob("*")}


def test_resolving_opens_no_socket_and_touches_no_file(world, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    world.env["POLYAXON_IS_OFFLINE"] = "nonsense"
    world.globally(".client", {"host": "http://keep-me", "POLYAXON_TIMEOUT": "x"})
    world.globally(".auth", {"token": 5})
    world.locally(".project", {"owner": "acme", "name": "mnist"})
    before = snapshot(world.root)
    with pytest.raises(AxonlogError):
        world.resolve()
    world.env["POLYAXON_IS_OFFLINE"] = "true"
    with pytest.raises(AxonlogError):
        world.resolve()
    world.globally(".client", {"host": "http://keep-me"})
    world.globally(".auth", {"token": "t"})
    before = snapshot(world.root)
    world.resolve()
    world.resolve(is_offline=False)
    assert snapshot(world.root) == before


@pytest.mark.parametrize(
    "call", [{"project": "a/b/c/d"}, {}, {"project": 5}, {"config": 5}, {"client": 5}]
)
def test_under_no_op_nothing_is_wrong_and_nothing_is_known(world, call):
    world.env.update(POLYAXON_NO_OP="1", POLYAXON_TIMEOUT="nonsense")
    world.globally(".client", "{broken")
    context = world.resolve(**call)
    assert context.no_op.value is True
    assert (context.owner.value, context.project.value, context.run_uuid.value) == (None,) * 3
    assert "no_op" in str(context.explain())


def test_no_op_may_be_undone_by_the_call(world):
    world.env["POLYAXON_NO_OP"] = "true"
    assert world.resolve(project="a/b", no_op=False).no_op.value is False


def test_no_op_may_come_from_a_client(world):
    client = PolyaxonClient(config=ClientConfig(host="http://h", no_op=True))
    assert world.resolve(client=client).no_op.source == "client"


def test_notices_tell_what_was_cached(world):
    project = world.globally(".project", {"owner": "acme", "name": "mnist"})
    run = world.globally(".run", {"uuid": "1" * 32, "owner": "acme", "project": "mnist"})
    assert world.resolve().notices == (
        f"Using cached project `acme/mnist` from `{project}`.",
        f"Using cached run `{'1' * 32}` from `{run}`.",
    )
    user = world.globally(".user", {"organization": "jane-org"})
    world.globally(".project", {"name": "mnist"})
    assert world.resolve(is_new=True).notices == (
        f"Using cached owner `jane-org` from `{user}`.",
        f"Using cached project `mnist` from `{project}`.",
    )
    assert world.resolve(project="a/b", is_new=True).notices == ()


def test_importing_it_is_light():
    script = """
        import sys
        import axonlog.context
        print(sorted({"requests", "urllib3", "yaml", "torch", "numpy"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_is_set_after_the_import_counts(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    hosts = []
    for host in ("http://one", "http://two"):
        monkeypatch.setenv("POLYAXON_HOST", host)
        hosts.append(resolve(project="a/b").host.value)
    assert hosts == ["http://one", "http://two"]


def test_a_context_is_shown_in_one_line(world):
    world.env["POLYAXON_HOST"] = "http://plx.example.org"
    context = world.resolve(project="acme/digits")
    assert (
        repr(context)
        == str(context)
        == (
            f"<Context acme/digits run {context.run_uuid.value[:8]} at http://plx.example.org "
            "(host: environment)>"
        )
    )
    offline = world.resolve(project="acme/digits", is_offline=True)
    assert repr(offline) == (
        f"<Context acme/digits run {offline.run_uuid.value[:8]} offline (is_offline: argument)>"
    )
    assert repr(world.resolve(no_op=True)) == "<Context no-op>"


def test_a_notebook_shows_the_explanation_of_a_context(world):
    context = world.resolve(project="acme/digits", name="<b>bold</b>")
    assert context._repr_html_() == context.explain()._repr_html_()
    assert "<b>" not in context._repr_html_()
