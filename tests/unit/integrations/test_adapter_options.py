"""Adapters take every option of a run as the one table declares it."""

import inspect

import pytest

from axonlog.context import RUN_OPTIONS
from axonlog_keras import AxonCallback
from axonlog_lightning import AxonLogger

ADAPTERS = [AxonLogger, AxonCallback]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_has_every_option_with_its_sentence_and_no_default(adapter):
    parameters = inspect.signature(adapter).parameters
    sentences = " ".join(inspect.getdoc(adapter).split())
    for name, row in RUN_OPTIONS.items():
        assert parameters[name].default is None
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert f"{name}: {row.help}" in sentences


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_unknown_option_is_refused_by_name(adapter):
    with pytest.raises(TypeError, match="'projct'"):
        adapter(projct="acme/digits")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_no_op_adapter_records_nothing_and_makes_no_file(adapter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = adapter(no_op=True, project="acme/digits")
    run = made._lazy.start()
    made._lazy.log_metrics({"loss": 1.0}, 1)
    made._lazy.mark_finished()
    assert (run.path, list(tmp_path.iterdir())) == (None, [])
