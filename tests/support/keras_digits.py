"""A tiny Keras model on scikit-learn's digits, for the backend that is in use."""

from __future__ import annotations

from typing import Any

import keras
from sklearn.datasets import load_digits

BATCHES = 5


def make_model(**compile_options: Any) -> Any:
    """A compiled model of 650 parameters; ``compile_options`` as ``compile`` takes them."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((64,)), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(layers, name="tiny")
    compile_model(model, **compile_options)
    return model


def compile_model(model: Any, **options: Any) -> None:
    """Compile ``model``, with a new optimizer."""
    defaults = {"optimizer": keras.optimizers.SGD(0.1), "metrics": ["accuracy"]}
    model.compile(loss="sparse_categorical_crossentropy", **{**defaults, **options})


def data(batches: int = BATCHES) -> tuple[Any, Any]:
    """The first digits and their labels, for that many batches of 32."""
    images, labels = load_digits(return_X_y=True)
    rows = slice(0, 32 * batches)
    return images[rows].astype("float32") / 16, labels[rows]


def fit(model: Any, callbacks: list[Any], **options: Any) -> dict[str, list[float]]:
    """Fit quietly, and return the history; two batches of validation data."""
    x, y = data()
    quiet = {"batch_size": 32, "verbose": 0, "shuffle": False, "validation_data": data(2)}
    history: dict[str, list[float]] = model.fit(
        x, y, callbacks=callbacks, **{**quiet, **options}
    ).history
    return history
