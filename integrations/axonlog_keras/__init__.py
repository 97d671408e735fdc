"""Track Keras 3: ``model.fit(..., callbacks=[AxonCallback(project="acme/digits")])``."""

from axonlog_keras._callback import AxonCallback

__all__ = ["AxonCallback"]
