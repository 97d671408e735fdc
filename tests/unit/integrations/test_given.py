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
# `refresh_data` stands in no integration.
OF_INTEGRATIONS = [name for name in DEFAULTS if name != "refresh_data"]


def opposite(names):
    """A trainer's config that says the opposite of every default."""
    return {"tracking": {name: not DEFAULTS[name] for name in names}}


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


def settings(context, names):
    return {name: (getattr(context, name).value, getattr(context, name).source) for name in names}


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
def test_an_explicit_default_beats_the_trainers_config(call):
    names = DEFAULTS if call in CALLS else OF_INTEGRATIONS
    given = {name: DEFAULTS[name] for name in names}
    context = call(project="acme/digits", is_offline=True, config=opposite(names), **given)
    assert settings(context, names) == {name: (DEFAULTS[name], "argument") for name in names}


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
@pytest.mark.parametrize("left_out", ["left out", "None"])
def test_what_is_not_given_is_the_configs_to_say(call, left_out):
    names = DEFAULTS if call in CALLS else OF_INTEGRATIONS
    given = dict.fromkeys(names) if left_out == "None" else {}
    context = call(project="acme/digits", is_offline=True, config=opposite(names), **given)
    wanted = {name: (not DEFAULTS[name], "trainer config") for name in names}
    assert settings(context, names) == wanted


@pytest.mark.parametrize("call", [*CALLS, *INTEGRATIONS])
def test_what_nobody_says_is_at_its_default(call):
    context = call(project="acme/digits", is_offline=True)
    names = DEFAULTS if call in CALLS else OF_INTEGRATIONS
    assert settings(context, names) == {name: (DEFAULTS[name], "default") for name in names}


@pytest.mark.parametrize("call", [resolve, axonlog.Run])
def test_by_position_an_argument_is_given_too(call):
    config = opposite(["track_code", "track_env"])
    given = call(None, "acme/digits", None, None, True, is_offline=True, config=config)
    context = given.context if isinstance(given, axonlog.Run) else given
    assert settings(context, ["track_code", "track_env"]) == {
        "track_code": (True, "argument"),
        "track_env": (False, "trainer config"),
    }


@pytest.mark.parametrize("call", [resolve, axonlog.init, axonlog.Run])
def test_the_signature_shows_the_defaults(call):
    parameters = inspect.signature(call).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS


def test_a_switch_that_is_not_one_is_refused():
    with pytest.raises(ArgumentTypeError, match="track_code="):
        resolve(project="acme/digits", track_code="false")
