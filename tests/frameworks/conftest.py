import pytest

from support.isolation import in_a_corner


@pytest.fixture
def work(monkeypatch, tmp_path):
    yield from in_a_corner(monkeypatch, tmp_path)
