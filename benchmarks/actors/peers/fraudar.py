"""FRAUDAR: dense blocks of contributors and items, peeled greedily."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from detectors.actors.graph.visits import Visits, distinct

BLOCKS = 10
"""Blocks that are sought."""


def fraudar(visits: Visits, _trusted: np.ndarray, _confirmed: np.ndarray, seed: int) -> np.ndarray:
    """Peel the densest blocks one after another; the earlier the block, the more suspicious.

    Hooi, Song, Beutel, Shah, Shin, Faloutsos: FRAUDAR, Bounding Graph Fraud in the Face of
    Camouflage, KDD 2016. As there: each (contributor, item) counts once and weighs
    1 / log(c + 5) for an item of c contributors, and the node that adds least is removed
    until nothing is left; what remained when the weight per node was largest is the block.
    Its edges are taken out and the next block is sought, up to ten. Other than there: a
    binary heap with stale entries stands for the tree, and contributors who add alike are
    removed by lot. It knows neither times nor who is trusted.
    """
    lot = np.random.default_rng(seed).permutation(visits.n_who)
    pair = distinct(lot[visits.who] * np.int64(max(visits.n_items, 1)) + visits.item)
    who, item = np.divmod(pair, max(visits.n_items, 1))
    score = np.zeros(visits.n_who)
    for earlier in range(BLOCKS):
        if who.size == 0:
            break
        block, _ = densest_block(who, visits.n_who + item, visits.n_who + visits.n_items)
        members = np.flatnonzero(block[: visits.n_who])
        score[members] = np.maximum(score[members], BLOCKS - earlier)
        inside = block[who] & block[visits.n_who + item]
        who, item = who[~inside], item[~inside]
    return score[lot]


def densest_block(left: np.ndarray, right: np.ndarray, n: int) -> tuple[np.ndarray, float]:
    """Peel a bipartite graph greedily: O(E log E).

    Parameters
    ----------
    left, right
        (e,) int64 nodes of each edge; the edges of a right node weigh 1 / log(c + 5) for
        its c edges.
    n
        Nodes on both sides together.

    Returns
    -------
    (n,) bool members of the block, and its weight per node, at least half of the best.
    """
    weight = 1.0 / np.log(np.bincount(right, minlength=n)[right] + 5.0)
    gain = np.bincount(left, weight, minlength=n) + np.bincount(right, weight, minlength=n)
    nodes = np.flatnonzero(gain)
    order, removed = _peel(left, right, weight, gain, nodes)
    remaining = weight.sum() - np.cumsum(removed)
    # Before any removal, then after each but the last.
    density = np.concatenate([[weight.sum()], remaining[:-1]]) / np.arange(nodes.size, 0, -1)
    best = int(density.argmax())
    block = np.zeros(n, dtype=bool)
    block[order[best:]] = True
    return block, float(density[best])


def _peel(
    left: np.ndarray, right: np.ndarray, weight: np.ndarray, gain: np.ndarray, nodes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in the order of their removal, and what each took away."""
    start, neighbours, weights = _adjacency(left, right, weight, gain.size)
    left_over = gain.tolist()
    heap = [(left_over[node], node) for node in nodes.tolist()]
    heapify(heap)
    order, removed = [], []
    while heap:
        value, node = heappop(heap)
        if value != left_over[node]:
            continue
        order.append(node)
        removed.append(value)
        left_over[node] = -1.0
        for i in range(start[node], start[node + 1]):
            other = neighbours[i]
            if left_over[other] >= 0.0:
                left_over[other] = lower = max(left_over[other] - weights[i], 0.0)
                heappush(heap, (lower, other))
    return np.array(order), np.array(removed)


def _adjacency(
    left: np.ndarray, right: np.ndarray, weight: np.ndarray, n: int
) -> tuple[list[int], list[int], list[float]]:
    """Neighbours of each node: those of node v at ``start[v]:start[v + 1]``."""
    ends, others = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.argsort(ends, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
    return start.tolist(), others[order].tolist(), np.tile(weight, 2)[order].tolist()
