"""The functions take what the original's take."""

import inspect
import json
import re
from pathlib import Path

import pytest

from axonlog import tracking

SIGNATURES = json.loads((Path(__file__).parent / "original" / "signatures.json").read_text())
OURS = sorted(set(tracking.__all__) & set(SIGNATURES["module"]))


def names_in(signature):
    """Parameter names in the order of a signature's text; brackets may hold commas."""
    flat = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", signature)).strip("()")
    parts = [part.split(":")[0].split("=")[0].strip() for part in flat.split(")")[0].split(",")]
    return [part for part in parts if part and part != "*"]


def test_init_has_the_originals_parameters_in_their_order_and_defaults():
    original = names_in(SIGNATURES["module"]["init"])
    parameters = list(inspect.signature(tracking.init).parameters.values())
    assert [parameter.name for parameter in parameters[: len(original)]] == original
    rest = parameters[len(original) :]
    assert {"config", "strict"} <= {parameter.name for parameter in rest}
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in rest)


@pytest.mark.parametrize("function", OURS)
def test_every_keyword_of_the_original_is_accepted(function):
    ours = inspect.signature(getattr(tracking, function)).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in ours.values())
    for name in names_in(SIGNATURES["module"][function]):
        # `**kwargs` of log_artifact and log_model only served deprecated names.
        assert takes_any or name in ours or name.startswith("**"), name
