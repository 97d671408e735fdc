import io

import numpy
import PIL.Image
import pytest

from axonlog import media
from axonlog.media import _pixels


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    """What is said once a process is said once a test."""
    monkeypatch.setattr(_pixels, "_said", set())


@pytest.fixture
def opened():
    """Row and image of a snapshot, as one that took it from another process would see it."""

    def open_it(snapshot):
        encoded = media.encode(snapshot)
        return encoded.row, PIL.Image.open(io.BytesIO(encoded.asset.content))

    return open_it


@pytest.fixture
def pixels(opened):
    return lambda snapshot: numpy.asarray(opened(snapshot)[1])
