"""What is special on JAX: groups of steps, and a state that is costly to look at in between."""

import json
import sys

import keras

from axonlog_keras import AxonCallback
from support.keras_digits import fit, make_model


class Counting(keras.callbacks.Callback):
    """Counts the copies of the state that were made up to each of its hooks."""

    def __init__(self, model):
        super().__init__()
        self.copies = 0
        self.at_batch_ends = []
        copy = model.jax_state_sync

        def count_and_copy():
            self.copies += 1
            return copy()

        model.jax_state_sync = count_and_copy

    def on_train_batch_end(self, batch, logs=None):
        self.at_batch_ends.append(self.copies)


def main():
    model = make_model(steps_per_execution=2)
    before, after = Counting(model), Counting(model)
    callback = AxonCallback(project="digits", is_offline=True, log_every_n_batches=1)
    fit(model, [before, callback, after], epochs=2)
    json.dump({"before": before.at_batch_ends, "after": after.at_batch_ends}, sys.stdout)


if __name__ == "__main__":
    main()
