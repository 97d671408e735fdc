"""Keras, or a clear word about its absence."""

from __future__ import annotations

try:
    import keras
except ModuleNotFoundError as error:
    if error.name != "keras":
        raise  # Keras is there, and its backend is not: it says so itself
    raise ImportError(
        "AxonCallback needs Keras 3, and it is not installed: pip install 'axonlog[keras]'"
    ) from error

if not hasattr(keras, "ops"):
    raise ImportError(
        f"AxonCallback needs Keras 3, and this is Keras {keras.__version__}: "
        "pip install 'axonlog[keras]'"
    )

__all__ = ["keras"]
