"""Published ways to find accounts that act as one, on a table of visits.

Each takes ``(visits, trusted, confirmed, seed)`` with (n_who,) bool of what people know,
and gives (n_who,) float64 suspicion; higher is more suspicious.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.actors.peers.fraudar import fraudar
from benchmarks.actors.peers.ranks import (
    most_co_visits,
    networkx_pagerank,
    raw_sybil_rank,
    raw_sybil_scar,
)
from benchmarks.actors.peers.synchrotrap import synchro_trap
from detectors.actors.graph.visits import Visits

Peer = Callable[[Visits, np.ndarray, np.ndarray, int], np.ndarray]

PEERS: Final[dict[str, Peer]] = {
    "most co-visits": most_co_visits,
    "PageRank (networkx)": networkx_pagerank,
    "SybilRank": raw_sybil_rank,
    "SybilSCAR": raw_sybil_scar,
    "FRAUDAR": fraudar,
    "SynchroTrap": synchro_trap,
}

__all__ = ["PEERS", "Peer"]
