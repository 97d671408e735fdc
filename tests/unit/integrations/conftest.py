import pytest

from support.current_run import end_current_run


@pytest.fixture
def work(tmp_path):
    """The working directory, with no run in this process to join."""
    end_current_run()
    yield tmp_path
    end_current_run()
