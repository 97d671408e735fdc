import os

import pytest

# Before Keras is imported; its own default is a backend that is not installed here.
os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture
def work(tmp_path):
    """The working directory."""
    return tmp_path
