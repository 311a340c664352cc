"""Peers that count or spread over the co-visit graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.actors.peers.graph import co_visits
from detectors.actors.graph.propagation import Seeds, sybil_rank, sybil_scar
from detectors.actors.graph.visits import HOUR, Visits

WINDOW = 12.0
"""Hours within which two visits to an item are a co-visit."""

HEAVIEST = 1_500_000
"""Edges that networkx is given; it needs about half a kilobyte for each."""


def most_co_visits(
    visits: Visits, _trusted: np.ndarray, _confirmed: np.ndarray, _seed: int
) -> np.ndarray:
    """Count other people's visits to the same item within 12 hours; the naive rule.

    Exact, by two binary searches per visit; knows no popularity and no activity.
    """
    others = _around(visits.item, visits.seconds) - _around(
        visits.item * np.int64(visits.n_who) + visits.who, visits.seconds
    )
    return np.bincount(visits.who, others.astype(np.float64), minlength=visits.n_who)


def networkx_pagerank(
    visits: Visits, _trusted: np.ndarray, confirmed: np.ndarray, seed: int
) -> np.ndarray:
    """Rank by networkx's PageRank on the counts; central is suspicious.

    The restart is at confirmed Sybils when there are any, else even. The heaviest 1.5 M
    edges are kept: networkx holds each in Python dictionaries.
    """
    import networkx as nx

    left, right, count = _heaviest(co_visits(visits, WINDOW, seed), seed)
    graph = nx.Graph()
    graph.add_nodes_from(range(visits.n_who))
    graph.add_weighted_edges_from(zip(left.tolist(), right.tolist(), count.tolist(), strict=True))
    restart = {int(who): 1.0 for who in np.flatnonzero(confirmed)} or None
    rank = nx.pagerank(graph, personalization=restart)
    return np.array([rank[who] for who in range(visits.n_who)])


def raw_sybil_rank(
    visits: Visits, trusted: np.ndarray, confirmed: np.ndarray, seed: int
) -> np.ndarray:
    """Walk from trusted contributors over the counts (Cao et al., NSDI 2012).

    The paper walks a social graph whose edges both sides agreed to; co-visits are made by
    one side. Weighted by count. Without a trusted contributor everybody gets 0.
    """
    return sybil_rank(co_visits(visits, WINDOW, seed), Seeds(trusted, confirmed))


def raw_sybil_scar(
    visits: Visits, trusted: np.ndarray, confirmed: np.ndarray, seed: int
) -> np.ndarray:
    """Spread what is known over the counts (Wang, Zhang, Gong, INFOCOM 2017).

    Homophily is weighted by count over strength where the paper has one for all edges.
    Without seeds everybody gets 0.
    """
    return sybil_scar(co_visits(visits, WINDOW, seed), Seeds(trusted, confirmed))


def _around(place: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(m,) int64 visits to the same place within the window, each visit itself among them."""
    width = round(WINDOW * HOUR)
    codes = np.unique(place, return_inverse=True)[1]
    key = codes * np.int64(2 * width + 1 + seconds.max(initial=0)) + seconds
    ordered = np.sort(key)
    last = np.searchsorted(ordered, key + width, side="right")
    return np.asarray(last - np.searchsorted(ordered, key - width))


def _heaviest(graph: Any, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges with the largest counts, ``left < right``, at most ``HEAVIEST``; ties by lot."""
    from scipy.sparse import triu

    half = triu(graph, 1).tocoo()
    lot = np.random.default_rng(seed).random(half.nnz)
    order = np.sort(np.lexsort((lot, -half.data))[:HEAVIEST])
    return half.row[order], half.col[order], half.data[order]
