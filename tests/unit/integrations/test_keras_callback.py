import copy
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from axonlog_keras import AxonCallback
from support.kept import curve, curves, only_run, record_of
from support.keras_digits import data, fit, make_model

# Keras 3.15 turns its variables into arrays in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"
)


def offline(**arguments):
    return AxonCallback(project="acme/digits", is_offline=True, **arguments)


def test_making_one_and_reading_its_context_starts_nothing(work):
    callback = offline(name="first")
    assert callback.context.project.value == "digits"
    assert callback.context.run_uuid == callback.context.run_uuid
    assert list(work.iterdir()) == []


def test_a_count_of_batches_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="log_every_n_batches must be at least 1, or None, not 0"):
        AxonCallback(log_every_n_batches=0)


def test_the_run_is_made_of_what_the_arguments_say(work):
    callback = offline(name="first", tags=["a"], prefix="fold1")
    fit(make_model(), [callback], epochs=1)
    record = record_of(only_run(work))
    assert (record.owner, record.project, record.name) == ("acme", "digits", "first")
    assert record.tags == ["a"]
    assert callback.run.run_uuid == record.uuid
    assert curves(only_run(work)) == {
        f"fold1__{name}"
        for name in ("accuracy", "epoch", "learning_rate", "loss", "val_accuracy", "val_loss")
    }


def test_a_copy_is_the_same_run_without_the_model(work):
    callback = offline()
    fit(make_model(), [callback], epochs=1)
    copied = copy.deepcopy(callback)
    unpickled = pickle.loads(pickle.dumps(callback))
    assert copied.model is None
    assert unpickled.model is None
    assert callback.model is not None
    assert copied.run is callback.run
    assert unpickled.run is callback.run


def test_without_keras_the_error_says_what_to_install():
    code = "import sys; sys.modules['keras'] = None; import axonlog_keras"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: AxonCallback needs Keras 3")
    assert "pip install 'axonlog[keras]'" in last


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 * 0.5 ** keras.ops.cast(step, "float32")


def test_a_schedule_of_the_users_own_without_a_config_does_not_end_the_training(work):
    model = make_model()
    model.compile(keras.optimizers.SGD(Halving()), "sparse_categorical_crossentropy")
    fit(model, [offline()], epochs=1)
    inputs = record_of(only_run(work)).inputs
    assert inputs["optimizer__name"] == "SGD"
    assert "learning_rate" in curves(only_run(work))


def test_a_metric_that_is_a_vector_does_not_end_the_training(work, caplog):
    x, y = data()
    model = make_model()
    model.compile(loss="categorical_crossentropy", metrics=[keras.metrics.F1Score(average=None)])
    model.fit(x, np.eye(10)[y], batch_size=32, verbose=0, callbacks=[offline()])
    per_class = {f"f1_score__{digit}" for digit in range(10)}
    assert curves(only_run(work)) == {"epoch", "learning_rate", "loss", *per_class}
    assert caplog.messages == []


def test_logs_that_are_no_numbers_do_not_end_the_training(work, caplog):
    callback = offline(log_every_n_batches=1)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0, {"loss": 0.5, "note": "warm"})
    callback.on_epoch_end(0, {"loss": 0.5, "note": "warm", "confusion": np.eye(3)})
    callback.on_test_end({"loss": 0.5, "note": "warm"})
    callback.on_train_end()
    assert curves(only_run(work)) == {"batch__loss", "epoch", "loss"}
    assert [message.split(" is not ")[0] for message in caplog.messages] == [
        "AxonCallback: metric 'batch/note'",
        "AxonCallback: metric 'note'",
        "AxonCallback: metric 'confusion'",
    ]


def uncompiled_model():
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)], name="bare")


def model_with_a_foreign_optimizer():
    model = uncompiled_model()
    model.optimizer = object()
    return model


def foreign_model():
    return object()


def no_model():
    return None


@pytest.mark.parametrize(
    "make", [uncompiled_model, model_with_a_foreign_optimizer, foreign_model, no_model]
)
def test_a_loop_of_the_users_own_needs_no_optimizer_and_no_model(work, make):
    callbacks = keras.callbacks.CallbackList([offline()], model=make())
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_train_batch_begin(0)
        callbacks.on_train_batch_end(0, {"loss": 0.5})
        callbacks.on_epoch_end(epoch, {"loss": 0.5})
    callbacks.on_train_end({"loss": 0.5})
    callbacks.on_test_begin()
    callbacks.on_test_end({"loss": 0.25})
    directory = only_run(work)
    assert curve(directory, "loss") == [(1, 0.5), (2, 0.5)]
    assert curve(directory, "test_loss") == [(2, 0.25)]
    record = record_of(directory)
    assert record.status == "succeeded"
    assert record.inputs.get("model__name") == (
        "bare" if make in (uncompiled_model, model_with_a_foreign_optimizer) else None
    )
