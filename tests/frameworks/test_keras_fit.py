import json

import keras
import pytest

from axonlog.client import PolyaxonClient, RunClient
from axonlog.context import ClientConfig
from axonlog_keras import AxonCallback
from support.kept import curve, curves, only_run, record_of, run_directories, statuses
from support.keras_digits import BATCHES, compile_model, data, fit, make_model
from support.remote import remote_curve
from support.scripts import run_script

pytestmark = [
    pytest.mark.frameworks,
    # Keras 3.15 turns its variables into arrays in a way that numpy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
]

BACKENDS = ("torch", "jax")


def points_expected_of(seen):
    """What the run should hold of two fits of three and two epochs, and an evaluation."""
    ends = [BATCHES * epoch for epoch in range(1, 6)]
    every_other = range(2, 5 * BATCHES + 1, 2)
    expected = {
        name: list(zip(ends, values, strict=True)) for name, values in seen["epochs"].items()
    }
    expected["epoch"] = [(step, float(epoch)) for epoch, step in enumerate(ends)]
    expected["learning_rate"] = [(step, pytest.approx(0.1)) for step in ends]
    for name, values in seen["batches"].items():
        expected[f"batch__{name}"] = [(step, values[step - 1]) for step in every_other]
    for name, value in seen["tested"].items():
        expected[f"test_{name}"] = [(5 * BATCHES, value)]
    return expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_point_that_keras_sees_is_kept_at_one_global_step(work, backend):
    done = run_script("frameworks/scripts/keras_fit.py", KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["backend"] == backend
    assert set(seen["epochs"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}

    directory = only_run(work)
    assert {name: curve(directory, name) for name in curves(directory)} == points_expected_of(seen)
    record = record_of(directory)
    assert (record.uuid, record.name, record.status) == (seen["uuid"], "tiny", "succeeded")
    assert record.inputs["epochs"] == 5
    assert record.inputs["steps_per_epoch"] == BATCHES
    assert record.inputs["model__name"] == "tiny"
    assert record.inputs["model__parameters"] == 650
    assert record.inputs["optimizer__name"] == "sgd"
    assert record.inputs["optimizer__learning_rate"] == pytest.approx(0.1)
    assert statuses(directory) == ["created", *["running", "succeeded"] * 3]


@pytest.mark.server
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_on_a_server_reads_back_from_there(work, backend, polyaxon_server):
    done = run_script("frameworks/scripts/keras_fit.py", polyaxon_server.url, KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    client = PolyaxonClient(ClientConfig(host=polyaxon_server.url))
    remote = RunClient("default", "digits", seen["uuid"], client)
    data = remote.get()
    assert (data.name, data.status) == ("tiny", "succeeded")
    assert data.inputs == record_of(only_run(work)).inputs
    expected = points_expected_of(seen)
    assert {name: remote_curve(remote, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("ending", "status", "reason", "code"),
    [
        ("success", "succeeded", None, 0),
        ("failure", "failed", "ValueError", 1),
        ("interrupt", "stopped", "KeyboardInterrupt", -2),
        ("sigterm", "stopped", "SIGTERM", -15),
        ("exit", "failed", "SystemExit", 3),
    ],
)
def test_the_run_tells_how_training_ended(work, ending, status, reason, code):
    done = run_script("frameworks/scripts/keras_ending.py", ending)
    directory = only_run(work)
    record = record_of(directory)
    assert (record.status, done.returncode) == (status, code), done.stderr
    if reason is not None:
        assert record.status_conditions[-1].reason == reason
    assert len(curve(directory, "loss")) == (3 if ending == "success" else 2)


def test_on_jax_the_state_is_left_alone_and_groups_of_steps_are_counted(work):
    done = run_script("frameworks/scripts/keras_jax.py", KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    copies = json.loads(done.stdout)
    # The inner of the two counters stands after ours, and counts for both.
    assert len(set(copies["after"][:3])) == 1
    assert len(set(copies["before"][:3])) == 1
    directory = only_run(work)
    assert [step for step, _ in curve(directory, "batch__loss")] == [2, 4, 5, 7, 9, 10]
    assert [step for step, _ in curve(directory, "loss")] == [5, 10]


def test_a_new_optimizer_does_not_turn_the_step_back(work):
    callback = AxonCallback(project="digits", is_offline=True)
    model = make_model()
    fit(model, [callback], epochs=2)
    compile_model(model)
    fit(model, [callback], epochs=1)
    assert [step for step, _ in curve(only_run(work), "loss")] == [5, 10, 15]


def test_batches_are_counted_where_the_weights_change_less_often(work):
    model = make_model(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=5))
    fit(model, [AxonCallback(project="digits", is_offline=True)], epochs=2)
    fit(model, [AxonCallback(project="digits", is_offline=True)], epochs=1)
    steps = [[step for step, _ in curve(path, "loss")] for path in run_directories(work)]
    assert sorted(steps) == [[5, 10], [15]]


def test_a_loaded_model_goes_on_where_it_was_saved(work):
    model = make_model()
    fit(model, [], epochs=2)
    model.save(work / "tiny.keras")
    loaded = keras.saving.load_model(work / "tiny.keras")
    fit(loaded, [AxonCallback(project="digits", is_offline=True)], epochs=1)
    assert [step for step, _ in curve(only_run(work), "loss")] == [15]


def test_a_training_that_was_restored_goes_on_where_it_was(work):
    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("power cut")

    power_cut = keras.callbacks.LambdaCallback(on_epoch_begin=fail)
    with pytest.raises(RuntimeError, match="power cut"):
        fit(make_model(), [keras.callbacks.BackupAndRestore(work / "b"), power_cut], epochs=4)

    ours = AxonCallback(project="digits", is_offline=True)
    fit(make_model(), [ours, keras.callbacks.BackupAndRestore(work / "b")], epochs=4)
    assert curve(only_run(work), "epoch") == [(15, 2.0), (20, 3.0)]


def test_the_learning_rate_is_kept_with_a_schedule_and_with_a_callback(work):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, BATCHES, 0.5)
    model = make_model(optimizer=keras.optimizers.SGD(schedule))
    fit(model, [AxonCallback(project="digits", is_offline=True)], epochs=2)
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / 2**epoch)
    fit(make_model(), [AxonCallback(project="digits", is_offline=True), halving], epochs=2)
    rates = [curve(path, "learning_rate") for path in run_directories(work)]
    decayed, halved = sorted(rates, key=lambda points: points[0][1])
    assert decayed == [(5, pytest.approx(0.05)), (10, pytest.approx(0.025))]
    assert halved == [(5, pytest.approx(0.1)), (10, pytest.approx(0.05))]


def test_the_logs_of_other_callbacks_stay_as_they_are(work):
    seen = []
    last = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(set(logs)))
    fit(make_model(), [AxonCallback(project="digits", is_offline=True), last], epochs=1)
    assert seen == [{"loss", "accuracy", "val_loss", "val_accuracy"}]


def test_an_evaluation_after_a_failed_fit_is_kept_as_one(work):
    def fail(epoch, logs):
        raise RuntimeError("power cut")

    callback = AxonCallback(project="digits", is_offline=True)
    model = make_model()
    with pytest.raises(RuntimeError, match="power cut"):
        fit(model, [callback, keras.callbacks.LambdaCallback(on_epoch_end=fail)], epochs=1)
    tested = model.evaluate(*data(2), verbose=0, callbacks=[callback], return_dict=True)
    assert curve(only_run(work), "test_loss") == [(5, tested["loss"])]


def test_a_prediction_alone_starts_nothing(work):
    callback = AxonCallback(project="digits", is_offline=True)
    make_model().predict(data(1)[0], verbose=0, callbacks=[callback])
    assert run_directories(work) == []


def test_a_no_op_leaves_training_alone_and_no_run(work, monkeypatch):
    monkeypatch.setenv("POLYAXON_NO_OP", "true")
    history = fit(make_model(), [AxonCallback(project="digits")], epochs=1)
    assert len(history["loss"]) == 1
    assert list(work.iterdir()) == []
