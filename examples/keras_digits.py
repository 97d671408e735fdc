"""Train a small Keras model on scikit-learn's handwritten digits, tracked by AxonCallback.

    python examples/keras_digits.py                               # kept under ./axonlog_data
    python examples/keras_digits.py --host http://localhost:8000  # and sent to a Polyaxon server

Runs on the backend that KERAS_BACKEND names: jax (unless told otherwise), torch or tensorflow.
Needs `pip install '.[keras]' scikit-learn`.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from axonlog.client import ClientConfig, PolyaxonClient
from axonlog_keras import AxonCallback


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", help="address of a Polyaxon server; without one: offline")
    parser.add_argument("--project", default="digits")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--explain", action="store_true", help="show where settings came from")
    args = parser.parse_args()
    keras.utils.set_random_seed(0)

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images.astype("float32") / 16, labels, test_size=0.2, random_state=0
    )
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(
        keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )

    tracking = AxonCallback(
        project=args.project,
        name="keras-digits",
        tags=["example", "keras"],
        is_offline=args.host is None,
        client=PolyaxonClient(ClientConfig(host=args.host)) if args.host else None,
    )
    if args.explain:
        print(tracking.context.explain(), end="\n\n", flush=True)
    model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=args.epochs,
        validation_split=0.1,
        callbacks=[tracking],
        verbose=0,
    )
    result = model.evaluate(x_test, y_test, verbose=0, callbacks=[tracking], return_dict=True)
    print(f"test accuracy {result['accuracy']:.3f}")
    print(f"run {tracking.run.run_uuid} in {tracking.run.get_artifacts_path()}")


if __name__ == "__main__":
    main()
