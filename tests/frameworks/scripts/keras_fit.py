"""Two fits, an evaluation and a prediction with one callback; prints what Keras itself saw."""

import json
import sys

import keras

from axonlog.client import PolyaxonClient
from axonlog.context import ClientConfig
from axonlog_keras import AxonCallback
from support.keras_digits import data, fit, make_model


class Witness(keras.callbacks.Callback):
    """Keeps the logs of each batch, and counts how often Keras copied its state meanwhile."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(dict(logs))


def main(host=None):
    place = (
        {"is_offline": True}
        if host is None
        else {"client": PolyaxonClient(ClientConfig(host=host))}
    )
    callback = AxonCallback(project="digits", name="tiny", log_every_n_batches=2, **place)
    witness = Witness()
    model = make_model()
    first = fit(model, [callback, witness], epochs=3)
    second = fit(model, [callback, witness], initial_epoch=3, epochs=5)
    tested = model.evaluate(*data(2), verbose=0, callbacks=[callback], return_dict=True)
    model.predict(data(1)[0], verbose=0, callbacks=[callback])
    seen = {
        "backend": keras.backend.backend(),
        "epochs": {name: first[name] + second[name] for name in first},
        "batches": {name: [logs[name] for logs in witness.batches] for name in witness.batches[0]},
        "tested": tested,
        "uuid": callback.context.run_uuid.value,
    }
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
