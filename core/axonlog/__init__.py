"""Bring training runs into Polyaxon, or into a local directory when no server is there."""

from axonlog._version import __version__

__all__ = ["__version__"]
