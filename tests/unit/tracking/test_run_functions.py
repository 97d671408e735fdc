"""Public names stand once: a method of `Run` is the function of its name."""

import inspect

import pytest

import axonlog
from axonlog import tracking
from axonlog.tracking import Run
from support import run_functions


def test_the_functions_are_the_methods_of_run():
    assert run_functions.FILE.read_text() == run_functions.source(), "run `make functions`"


@pytest.mark.parametrize("name", [*tracking._run_functions.__all__, "log_metric", "log_metrics"])
def test_a_function_has_the_signature_and_the_docstring_of_its_method(name):
    function, method = getattr(axonlog, name), getattr(Run, name)
    of_method = inspect.signature(method)
    without_self = of_method.replace(parameters=list(of_method.parameters.values())[1:])
    assert inspect.signature(function) == without_self
    assert function.__doc__ == method.__doc__
