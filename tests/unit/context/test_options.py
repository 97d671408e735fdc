"""One declaration of the options: what is read from it, and how a signature takes it."""

from __future__ import annotations

import inspect
import pydoc

import jsonargparse
import pytest

from axonlog.context import RUN_OPTIONS, Context, RunOptions, resolve, takes_run_options
from axonlog.context._options import READERS, SETTINGS
from axonlog.errors import ContextError

POSITIONAL = [
    "owner",
    "project",
    "run_uuid",
    "client",
    "track_code",
    "track_env",
    "track_logs",
    "refresh_data",
    "artifacts_path",
    "collect_artifacts",
    "collect_resources",
    "is_offline",
    "is_new",
    "name",
    "description",
    "tags",
]
SHOWN = {
    "track_code": True,
    "track_env": True,
    "track_logs": True,
    "refresh_data": False,
    "log_context": False,
    "strict": False,
}


@takes_run_options()
def given(*in_order, extra: int = 0, **options):
    """What was given.

    Returns:
        The options by name.
    """
    return {**options, "extra": extra} if extra else options


@takes_run_options(in_order=False, shows_defaults=False)
class Adapter:
    """An adapter of a framework.

    Args:
        prefix: Before each name.
    """

    def __init__(self, *, prefix: str = "", **options):
        self.prefix, self.options = prefix, options


def test_resolve_shows_the_originals_positional_order_and_defaults():
    parameters = inspect.signature(resolve).parameters
    in_order = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert in_order == POSITIONAL
    assert {name: p.default for name, p in parameters.items() if p.default is not None} == SHOWN
    assert set(parameters) == set(RUN_OPTIONS) == set(RunOptions.__annotations__)


def test_what_is_left_out_is_absent_and_what_is_given_at_its_default_is_not():
    assert given() == {}
    assert given("acme", "digits", strict=False) == {
        "owner": "acme",
        "project": "digits",
        "strict": False,
    }
    assert given(track_code=True, extra=3) == {"track_code": True, "extra": 3}


@pytest.mark.parametrize(
    ("arguments", "options", "problem"),
    [
        ((), {"projct": "a/b"}, "unexpected keyword argument 'projct'"),
        (("acme",), {"owner": "acme"}, "multiple values for argument 'owner'"),
        (tuple(range(len(POSITIONAL) + 1)), {}, "too many positional arguments"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_as_python_refuses_it(arguments, options, problem):
    with pytest.raises(TypeError, match=problem):
        given(*arguments, **options)


def test_help_shows_every_option_with_its_type_default_and_sentence():
    shown = pydoc.render_doc(resolve, renderer=pydoc.plaintext)
    flat = " ".join(shown.split())
    for name, row in RUN_OPTIONS.items():
        assert f"{name}: {row.help}" in flat
        assert f"{name}: " in str(inspect.signature(resolve))
    assert "track_code: bool | None = True" in flat
    assert flat.index("Args:") < flat.index("Raises:")


def test_an_adapter_takes_the_options_by_name_and_shows_no_default():
    parameters = inspect.signature(Adapter).parameters
    assert set(parameters) == {"prefix", *RUN_OPTIONS}
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {name: p.default for name, p in parameters.items() if p.default is not None} == {
        "prefix": ""
    }
    adapter = Adapter(prefix="fold1", project="a/b")
    assert (adapter.prefix, adapter.options) == ("fold1", {"project": "a/b"})
    with pytest.raises(TypeError, match="positional"):
        Adapter("acme")


def test_a_command_line_made_of_an_adapter_has_every_option_with_its_sentence(capsys):
    parser = jsonargparse.ArgumentParser()
    parser.add_class_arguments(Adapter, "logger")
    config = parser.parse_args(
        ["--logger.project=a/b", "--logger.is_offline=true", '--logger.tags=["x", "y"]']
    )
    made = Adapter(**config.logger.as_dict())
    passed = {name: value for name, value in made.options.items() if value is not None}
    assert passed == {"project": "a/b", "is_offline": True, "tags": ["x", "y"]}
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    flat = " ".join(capsys.readouterr().out.split())
    assert "Before each name." in flat
    for name in set(RUN_OPTIONS) - {"refresh_data", "no_op"}:
        assert f"--logger.{name} " in flat
        assert " ".join(RUN_OPTIONS[name].help.split())[:40] in flat, name


def test_every_row_has_a_sentence_and_every_setting_a_reader():
    rows = {**RUN_OPTIONS, **SETTINGS}
    assert [name for name, row in rows.items() if not row.help.endswith(".")] == []
    assert [name for name in SETTINGS if READERS[name] is not SETTINGS[name].read] == []


def test_every_option_that_is_a_setting_is_in_the_context():
    assert [n for n in RUN_OPTIONS if n in SETTINGS and n not in Context.model_fields] == []


@pytest.mark.parametrize(
    "name", [name for name, row in RUN_OPTIONS.items() if "trainer" in row.sources]
)
def test_a_section_of_the_trainers_config_knows_every_option(world, name):
    with pytest.raises(ContextError, match=rf"known: .*\b{name}\b"):
        world.resolve(project="a/b", config={"axonlog": {"unheard_of": 1}})
