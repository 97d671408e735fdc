"""Every public name is documented and typed."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

MODULES = (
    "axonlog",
    "axonlog.client",
    "axonlog.context",
    "axonlog.errors",
    "axonlog.tracking",
    "axonlog_keras",
    "axonlog_lightning",
)


def faults_of(name, value):
    """What is missing at ``value``, and at the public members that its class defines."""
    faults = [] if inspect.getdoc(value) else [f"{name}: no docstring"]
    if inspect.isclass(value):
        for member, defined in tuple(vars(value).items()):
            function = getattr(defined, "__func__", getattr(defined, "fget", defined))
            if not member.startswith("_") and inspect.isfunction(function):
                faults += faults_of_function(f"{name}.{member}", function, value, member)
        return faults
    return faults + untyped(name, value)


def faults_of_function(name, function, owner, member):
    documented = inspect.getdoc(getattr(owner, member))
    return ([] if documented else [f"{name}: no docstring"]) + untyped(name, function)


def untyped(name, function):
    signature = inspect.signature(function)
    missing = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]
    if signature.return_annotation is signature.empty:
        missing.append("return")
    return [f"{name}: no type of {what}" for what in missing]


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring_and_types(name):
    module = import_module(name)
    public = getattr(module, "__all__", None) or [
        key for key, value in vars(module).items() if getattr(value, "__module__", None) == name
    ]
    assert public
    faults = [] if module.__doc__ else [f"{name}: no docstring"]
    for key in public:
        value = getattr(module, key)
        if inspect.isclass(value) or inspect.isroutine(value):
            faults += faults_of(f"{name}.{key}", value)
    assert faults == []


def test_what_is_missing_is_named():
    class Bare:
        def method(self, value): ...

    assert faults_of("Bare", Bare) == [
        "Bare: no docstring",
        "Bare.method: no docstring",
        "Bare.method: no type of value",
        "Bare.method: no type of return",
    ]
