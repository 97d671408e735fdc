"""One encoder per kind of value: from what a user has to the row and the file that are kept."""

from ._snapshot import Asset, Encoded, Snapshot

__all__ = ["Asset", "Encoded", "Snapshot"]
