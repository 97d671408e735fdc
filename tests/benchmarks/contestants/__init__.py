"""Who is compared: axonlog, its peers, and the least that any of them could do."""

from ._contestant import Contestant
from ._registry import FLOORS, OURS, PEERS, Entry, find

__all__ = ["FLOORS", "OURS", "PEERS", "Contestant", "Entry", "find"]
