import inspect
import json
import sys

import pytest

import axonlog
from axonlog import tracking
from axonlog.errors import AxonlogError
from support.scripts import run_code

SPEAKING = [
    name for name in tracking.__all__ if name.startswith(("log_", "set_", "get_a", "get_ou"))
]


@pytest.fixture(autouse=True)
def no_current_run(monkeypatch):
    monkeypatch.setattr("axonlog.tracking._functions._current", None)


@pytest.mark.parametrize("name", [*SPEAKING, "end"])
def test_before_init_every_function_says_what_is_missing(name):
    arguments = ("loss", 0.5) if name == "log_metric" else ()
    with pytest.raises(AxonlogError, match=rf"{name}\(\) before init\(\): call axonlog\.init"):
        getattr(tracking, name)(*arguments)


@pytest.mark.parametrize("name", [*SPEAKING, "end"])
def test_a_function_takes_what_the_method_takes(name):
    method = inspect.signature(getattr(tracking.Run, name))
    parameters = list(method.parameters.values())[1:]
    assert list(inspect.signature(getattr(tracking, name)).parameters.values()) == parameters
    assert getattr(tracking, name).__doc__ == getattr(tracking.Run, name).__doc__


def test_init_makes_the_run_that_the_functions_speak_to():
    assert (tracking.TRACKING_RUN, axonlog.TRACKING_RUN) == (None, None)
    run = axonlog.init(project="acme/digits", is_offline=True, track_env=False)
    assert tracking.TRACKING_RUN is axonlog.TRACKING_RUN is run
    assert axonlog.get_or_create_run() is run
    axonlog.log_outputs(best=1)
    axonlog.end()
    assert run.is_ended


def test_get_or_create_run_starts_one_from_the_context(monkeypatch):
    with pytest.raises(AxonlogError, match="project"):
        axonlog.get_or_create_run()
    monkeypatch.setenv("POLYAXON_IS_OFFLINE", "true")
    assert axonlog.get_or_create_run().context.project.source == "default"
    axonlog.end()
    (run := axonlog.Run(project="acme/digits", is_offline=True)).end()
    assert axonlog.get_or_create_run(run) is run


def test_a_name_that_does_not_exist_is_an_attribute_error():
    for module in (axonlog, tracking):
        assert not hasattr(module, "log_metrix")
        with pytest.raises(AttributeError, match="log_metrix"):
            module.log_metrix  # noqa: B018


def test_the_module_and_the_package_offer_the_same():
    assert set(tracking.__all__) - {"V1ArtifactKind"} <= set(axonlog.__all__)
    assert all(hasattr(axonlog, name) for name in axonlog.__all__)
    assert set(dir(axonlog)) == set(axonlog.__all__)


def test_importing_axonlog_brings_in_nothing_heavy(tmp_path):
    heavy = [
        "torch", "keras", "numpy", "pandas", "requests", "pydantic", "lightning",
        "pytorch_lightning", "jax", "yaml", "urllib3",
    ]  # fmt: skip
    script = f"""
    import json, sys
    before = set(sys.modules)
    import axonlog
    assert axonlog.__version__
    new = sorted(set(sys.modules) - before)
    print(json.dumps([new, [name for name in {heavy} if name in sys.modules]]))
    """
    new, found = json.loads(run_code(script, tmp_path).stdout)
    assert found == []
    assert [name for name in new if name.startswith("axonlog.")] == ["axonlog._version"]


def test_a_run_needs_neither_requests_nor_a_framework_while_it_is_offline(tmp_path):
    script = """
    import sys, axonlog
    with axonlog.Run(project="acme/digits", is_offline=True, track_env=False) as run:
        run.log_metrics(loss=0.5)
    print([n for n in ("torch", "keras", "numpy", "pandas", "requests") if n in sys.modules])
    """
    done = run_code(script, tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert sys.executable
