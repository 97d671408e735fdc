import copy
import pickle
import subprocess
import sys

import pytest

from axonlog_keras import AxonCallback
from support.kept import curves, only_run, record_of
from support.keras_digits import fit, make_model

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
