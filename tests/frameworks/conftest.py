import os

import pytest

from support.current_run import end_current_run

# Before Keras is imported; its own default is a backend that is not installed here.
os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture
def work(tmp_path):
    """The working directory, with no run in this process to join."""
    end_current_run()
    yield tmp_path
    end_current_run()
