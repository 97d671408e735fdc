"""What a model and its optimizer say about themselves, on any backend.

Only to be called at the edges of an epoch: on JAX, reading a model in between makes Keras copy
the whole training state, at several times the cost of the step itself.
"""

from __future__ import annotations

from typing import Any

from axonlog_keras._keras import keras


def optimizer_of(model: Any) -> Any:
    """The optimizer of Keras in ``model``; None without one, as in a loop of the user's own."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer if isinstance(optimizer, keras.optimizers.Optimizer) else None


def batches_seen(optimizer: Any) -> int:
    """How many batches ``optimizer`` was trained with, in all processes and fits; 0 without one.

    The count travels with saved models and weights, so that it goes on after they are loaded.
    """
    if optimizer is None:
        return 0
    # Counts updates of the weights, of which there may be one for several batches.
    updates = int(keras.ops.convert_to_numpy(optimizer.iterations))
    return updates * (getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def learning_rate(optimizer: Any) -> float | None:
    """The rate that the next update will use; None where there is no single one."""
    rate = getattr(optimizer, "learning_rate", None)
    if rate is None or callable(rate):
        return None
    return float(keras.ops.convert_to_numpy(rate))


def describe(model: Any) -> dict[str, Any]:
    """The inputs that a model and its optimizer amount to, as a nested mapping; empty without."""
    about: dict[str, Any] = {}
    if isinstance(model, keras.Model):
        about["model"] = {"name": model.name}
        if model.built:
            about["model"]["parameters"] = model.count_params()
    optimizer = optimizer_of(model)
    if optimizer is not None:
        try:
            about["optimizer"] = optimizer.get_config()
        except Exception:  # noqa: BLE001  # of a user's schedule; without one of its own Keras raises
            about["optimizer"] = {"name": type(optimizer).__name__}
    return about
