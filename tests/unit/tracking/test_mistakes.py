"""What a user's mistake looks like: one sentence, and a traceback that ends at the user's line."""

import argparse
import enum
import json
import traceback

import pytest

import axonlog
from axonlog import tracking
from axonlog.errors import ArgumentTypeError, AxonlogError, EventError, RefusedError
from support.fault_server import Answer
from support.runs import lineage_of, statuses_of

OFFLINE = {"project": "acme/digits", "is_offline": True, "track_env": False, "track_code": False}


@pytest.fixture(autouse=True)
def no_current_run(monkeypatch):
    monkeypatch.setattr("axonlog.tracking._functions._current", None)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda run: run.log_tags(3), "tags must be text or a list of texts, not 3"),
        (lambda run: run.log_tags({"a": 1}), "tags must be text or a list of texts, not {'a': 1}"),
        (lambda run: run.log_metric("m", "0.5"), "'m': a metric must be one number, not str '0.5'"),
        (lambda run: run.log_metrics(m=b"1"), "'m': a metric must be one number, not bytes b'1'"),
        (lambda run: run.log_metric("m", 1, step="3"), "a step must be a whole number, not '3'"),
        (lambda run: axonlog.log_metric("m", "0.5"), "'m': a metric must be one number, not str"),
        (lambda run: axonlog.log_metrics(m=1, step="3"), "a step must be a whole number, not '3'"),
        (lambda run: axonlog.log_artifact("no.txt"), "no such file or folder: 'no.txt'"),
        (lambda run: axonlog.log_artifact(3), "path must be text or a path, not int"),
        (lambda run: axonlog.log_model(None), "path must be text or a path, not NoneType"),
        (lambda run: axonlog.log_file_ref(3), "path must be text or a path, not int"),
        (lambda run: axonlog.get_artifacts_path(3), "rel_path must be text or a path, not int"),
        (lambda run: axonlog.get_outputs_path(3), "rel_path must be text or a path, not int"),
        (lambda run: axonlog.log_env(3), "rel_path must be text or a path, not int"),
        (lambda run: axonlog.log_code_ref(3), "code_ref must be a mapping, not int"),
        (lambda run: axonlog.log_progress("x"), "progress must be a number from 0 to 1, not 'x'"),
        (lambda run: axonlog.log_progress(3), "progress must be from 0 to 1, not 3"),
        (lambda run: axonlog.log_failed(3), "reason must be text, not int"),
        (lambda run: axonlog.log_succeeded(message=3), "message must be text, not int"),
        (lambda run: axonlog.end(wait_s="x"), "wait_s must be a number of seconds, not 'x'"),
        (lambda run: axonlog.init(project="a/b/c/d"), "project"),
        (lambda run: axonlog.Run(**{**OFFLINE, "run_uuid": "x"}), "'x' is not a run's uuid"),
    ],
)
def test_a_mistake_is_a_sentence_below_the_users_own_line(mistake, sentence):
    axonlog.init(**OFFLINE)
    with pytest.raises(AxonlogError) as caught:
        mistake(axonlog.TRACKING_RUN)
    assert sentence in str(caught.value)
    frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[:2] == [__file__, __file__]
    assert len(frames) <= 4
    assert len("".join(traceback.format_exception(caught.value)).splitlines()) <= 14


@pytest.mark.parametrize("wrong", [3, "lr", [1], argparse.Namespace(lr=1)])
@pytest.mark.parametrize("method", ["log_inputs", "log_outputs", "log_meta"])
def test_what_is_no_mapping_is_refused_and_takes_no_values_away(method, wrong):
    with axonlog.init(**OFFLINE) as run:
        getattr(axonlog, method)(kept=1)
        with pytest.raises(ArgumentTypeError, match=rf"{method}\(\).* not {type(wrong).__name__}"):
            getattr(axonlog, method)(wrong)
    document = json.loads((run.path / "run.plx.json").read_bytes())
    field = {"log_meta": "meta_info"}.get(method, method.removeprefix("log_"))
    assert document[field]["kept"] == 1


def test_what_was_behind_an_error_is_kept():
    with pytest.raises(AxonlogError) as caught:
        axonlog.Run(**OFFLINE, artifacts_path="/proc/nothing/here")
    assert caught.value.__cause__ is None
    assert isinstance(caught.value.__context__, OSError)


def test_refused_credentials_say_that_no_token_was_found_and_where(fault_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    fault_server.fault(Answer(401, b'{"detail": "no"}', {"Content-Type": "application/json"}))
    with pytest.raises(RefusedError, match=r"no token was found: looked at .*POLYAXON_AUTH_TOKEN"):
        axonlog.init(project="acme/digits", track_env=False)
    monkeypatch.setenv("POLYAXON_AUTH_TOKEN", "secret")
    with pytest.raises(RefusedError) as caught:
        axonlog.init(project="acme/digits", track_env=False)
    assert "no token was found" not in str(caught.value)


def test_a_second_init_says_that_the_first_run_goes_on(caplog):
    first, second = axonlog.init(**OFFLINE), axonlog.init(**OFFLINE)
    said = f"run {first.run_uuid} goes on beside run {second.run_uuid}, which is the current one"
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert axonlog.TRACKING_RUN is second


def test_nothing_is_said_of_a_run_that_ended_settled_or_ends_with_its_block(caplog):
    axonlog.init(**OFFLINE).end()
    axonlog.init(**OFFLINE).settle("succeeded")
    with axonlog.init(**OFFLINE), axonlog.init(**OFFLINE):
        pass
    assert caplog.records == []


def test_a_nested_block_returns_to_the_outer_run():
    with axonlog.init(**OFFLINE) as outer:
        with axonlog.init(**OFFLINE) as inner:
            assert axonlog.TRACKING_RUN is inner
        assert tracking.TRACKING_RUN is outer
        axonlog.log_metrics(loss=0.5)
    assert axonlog.TRACKING_RUN is outer


def test_a_kind_and_a_status_may_be_members_of_any_text_enum(tmp_path):
    class Word(str, enum.Enum):
        CSV = "csv"
        WARNING = "warning"

    (tmp_path / "data.csv").write_text("a")
    with axonlog.Run(**OFFLINE) as run:
        run.log_artifact(tmp_path / "data.csv", kind=Word.CSV)
        run.log_status(Word.WARNING)
    assert lineage_of(run.path)["data"]["kind"] == "csv"
    assert statuses_of(run.path) == ["created", "running", "warning", "succeeded"]


def test_without_auto_create_a_new_run_is_not_created_on_the_server(fault_server, monkeypatch):
    monkeypatch.setenv("POLYAXON_HOST", fault_server.url)
    with axonlog.Run(project="acme/digits", auto_create=False, track_env=False) as run:
        run.log_metrics(loss=0.5)
    assert fault_server.requests == ()
    assert (run.context.is_offline.key, run.url) == ("auto_create", None)


@pytest.mark.parametrize("value", ["0.5", b"1"])
def test_text_is_no_metric_in_an_array_either(value):
    numpy = pytest.importorskip("numpy")
    with axonlog.Run(**OFFLINE) as run, pytest.raises(EventError, match="one number"):
        run.log_metric("m", numpy.array(value))
