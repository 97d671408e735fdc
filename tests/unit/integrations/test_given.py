"""An argument that is given at its default is an answer; one that is left out is none."""

from __future__ import annotations

import inspect

import pytest

import axonlog
from axonlog.context import resolve
from axonlog.errors import ArgumentTypeError

DEFAULTS = {
    "track_code": True,
    "track_env": True,
    "track_logs": True,
    "strict": False,
    "log_context": False,
    "refresh_data": False,
}


def opposite():
    """A trainer's config that says the opposite of every default."""
    return {"tracking": {name: not DEFAULTS[name] for name in DEFAULTS}}


def of_run(**arguments):
    run = axonlog.Run(**arguments)
    run.end()
    return run.context


def of_init(**arguments):
    run = axonlog.init(**arguments)
    run.end()
    return run.context


def of_logger(**arguments):
    from axonlog_lightning import AxonLogger

    return AxonLogger(**arguments).context


def of_callback(**arguments):
    from axonlog_keras import AxonCallback

    return AxonCallback(**arguments).context


CALLS = [resolve, of_run, of_init]
INTEGRATIONS = [of_logger, of_callback]


def settings(context):
    return {
        name: (getattr(context, name).value, getattr(context, name).source) for name in DEFAULTS
    }


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
def test_an_explicit_default_beats_the_trainers_config(call):
    given = {name: DEFAULTS[name] for name in DEFAULTS}
    context = call(project="acme/digits", is_offline=True, config=opposite(), **given)
    assert settings(context) == {name: (DEFAULTS[name], "argument") for name in DEFAULTS}


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
@pytest.mark.parametrize("left_out", ["left out", "None"])
def test_what_is_not_given_is_the_configs_to_say(call, left_out):
    given = dict.fromkeys(DEFAULTS) if left_out == "None" else {}
    context = call(project="acme/digits", is_offline=True, config=opposite(), **given)
    wanted = {name: (not DEFAULTS[name], "trainer config") for name in DEFAULTS}
    assert settings(context) == wanted


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
def test_what_nobody_says_is_at_its_default(call):
    context = call(project="acme/digits", is_offline=True)
    assert settings(context) == {name: (DEFAULTS[name], "default") for name in DEFAULTS}


@pytest.mark.parametrize("call", [resolve, axonlog.Run])
def test_by_position_an_argument_is_given_too(call):
    config = opposite()
    given = call(None, "acme/digits", None, None, True, is_offline=True, config=config)
    context = given.context if isinstance(given, axonlog.Run) else given
    found = settings(context)
    assert found["track_code"] == (True, "argument")
    assert found["track_env"] == (False, "trainer config")


@pytest.mark.parametrize("call", [resolve, axonlog.init, axonlog.Run])
def test_the_signature_shows_the_defaults(call):
    parameters = inspect.signature(call).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS


def test_a_switch_that_is_not_one_is_refused():
    with pytest.raises(ArgumentTypeError, match="track_code="):
        resolve(project="acme/digits", track_code="false")
