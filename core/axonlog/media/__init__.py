"""One encoder per kind of value: from what a user has to the row and the file that are kept.

``take_<kind>`` is called in the thread that logs: it checks the value and copies it. ``encode``
makes the row and the file of it, in any thread or process. Modules are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._audio import take_audio
    from ._encode import encode
    from ._image import take_boxes, take_figure, take_image
    from ._libraries import DependencyError
    from ._snapshot import Asset, Encoded, Snapshot
    from ._text import take_html, take_text
    from ._video import take_video

__all__ = [
    "Asset",
    "DependencyError",
    "Encoded",
    "Snapshot",
    "encode",
    "take_audio",
    "take_boxes",
    "take_figure",
    "take_html",
    "take_image",
    "take_text",
    "take_video",
]

_MODULES = {
    "Asset": "_snapshot",
    "DependencyError": "_libraries",
    "Encoded": "_snapshot",
    "Snapshot": "_snapshot",
    "encode": "_encode",
    "take_audio": "_audio",
    "take_boxes": "_image",
    "take_figure": "_image",
    "take_html": "_text",
    "take_image": "_image",
    "take_text": "_text",
    "take_video": "_video",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'axonlog.media' has no attribute {name!r}")
    value: object = getattr(import_module(f"axonlog.media.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
