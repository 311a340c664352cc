"""Pairs of contributors that share more items, at more of the same times, than chance has it.

Edges are kept by surprise, not by count: two busy people at popular items meet often and
surprise nobody. Several time scales speak, from minutes to ever, and the most telling one
counts. The graph's memory grows with the pairs that surprise, never with all pairs
(SynchroTrap, Cao et al., CCS 2014, compares like slots; the tail test follows the null
models of bipartite projections, Saracco et al. 2017).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.actors.graph.significance import explained, surprise
from detectors.actors.graph.visits import Meetings, Visits, distinct, meetings, occasions

logger = logging.getLogger(__name__)

_BLOCK = 4_000_000
_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class Edges:
    """Telling pairs, ``left < right``, sorted, each once at its most telling scale.

    Parameters
    ----------
    left, right
        (e,) int64 codes of contributors.
    surprise
        (e,) float64 -log10 of the tail probability, at most 60.
    shared
        (e,) int64 distinct items at which they met.
    hours
        (e,) float64 the time scale; infinite for "ever".
    """

    left: np.ndarray
    right: np.ndarray
    surprise: np.ndarray
    shared: np.ndarray
    hours: np.ndarray

    @property
    def size(self) -> int:
        """Number of pairs."""
        return self.left.size

    def where(self, kept: np.ndarray) -> Edges:
        """Keep the pairs of a mask."""
        return Edges(*(getattr(self, name)[kept] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the graph may cost, and what counts.

    Parameters
    ----------
    scales
        Hours within which two visits to an item are a meeting; several at once, and
        infinity, where any two are.
    min_items
        Distinct items at which a pair must have met.
    threshold
        Least surprise of an edge; 4 is a probability of one in ten thousand. A group is
        judged by all its edges together, so that single ones may be weak.
    pair_budget, max_columns
        See ``detectors.actors.graph.visits.meetings``.
    edge_budget
        Edges per visit that a time scale may leave; beyond it only the most telling stay,
        and the log says so.
    """

    scales: tuple[float, ...] = (0.25, 2.0, 12.0, 72.0, math.inf)
    min_items: int = 2
    threshold: float = 4.0
    pair_budget: float = 5.0
    max_columns: int = 2000
    edge_budget: float = 2.0


def telling_edges(
    visits: Visits, bounds: Bounds, seed: int, seen: np.ndarray | None = None
) -> Edges:
    """Find the pairs whose meetings surprise at some time scale.

    Parameters
    ----------
    seen
        (n_who,) bool: only pairs with one of them are looked at; None: all.
    """
    found = [_at_scale(visits, hours, bounds, seed, seen) for hours in bounds.scales]
    edges = union(found)
    logger.info("%d telling pairs among %d contributors", edges.size, visits.n_who)
    return edges


def union(parts: Sequence[Edges]) -> Edges:
    """Put edges together; each pair keeps its most telling line."""
    left, right, level, shared, hours = (
        np.concatenate([getattr(part, name) for part in parts]) for name in Edges.__slots__
    )
    order = np.lexsort((hours, -level, right, left))
    left, right = left[order], right[order]
    first = np.ones(left.size, dtype=bool)
    first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    rest = (part[order][first] for part in (level, shared, hours))
    return Edges(left[first], right[first], *rest)


def incidence(visits: Visits, hours: float, bounds: Bounds, seed: int) -> Meetings:
    """Give the pruned 0/1 matrix of contributors and occasions at a time scale."""
    return meetings(
        occasions(visits, None if math.isinf(hours) else hours),
        visits.n_who,
        most_pairs=bounds.pair_budget * visits.who.size,
        max_columns=bounds.max_columns,
        seed=seed,
    )


def _at_scale(
    visits: Visits, hours: float, bounds: Bounds, seed: int, seen: np.ndarray | None
) -> Edges:
    met = incidence(visits, hours, bounds, seed)
    found = edges_of(met, hours, bounds, seen)
    most = int(bounds.edge_budget * max(visits.who.size, 1))
    if found.size <= most:
        return found
    logger.warning("%d pairs at %g h; only the %d most telling are kept", found.size, hours, most)
    order = np.lexsort((found.right, found.left, -found.surprise))
    return found.where(np.sort(order[:most]))


def edges_of(met: Meetings, hours: float, bounds: Bounds, seen: np.ndarray | None = None) -> Edges:
    """Find the telling pairs of one incidence matrix, or those with somebody ``seen``."""
    degree = np.asarray(met.matrix.sum(axis=1)).ravel().astype(np.float64)
    size = np.asarray(met.matrix.sum(axis=0)).ravel().astype(np.float64)
    overlap = float((size**2).sum() / max(size.sum(), 1.0) ** 2)
    parts = [_NO_EDGES]
    once = met.once
    everybody = np.ones(degree.size, dtype=bool) if seen is None else seen
    for left, right, count in _candidates(met.matrix, degree, overlap, bounds, everybody):
        shared = count if once else _distinct_items(met, left, right)
        level = surprise(shared, degree[left] * degree[right] * overlap)
        kept = (shared >= bounds.min_items) & (level >= bounds.threshold)
        kept_hours = np.full(int(kept.sum()), hours)
        parts.append((left[kept], right[kept], level[kept], shared[kept], kept_hours))
    return Edges(*(np.concatenate(part) for part in zip(*parts, strict=True)))


_NO_EDGES = (
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int64),
    np.zeros(0),
    np.zeros(0, dtype=np.int64),
    np.zeros(0),
)


def _candidates(
    matrix: Any, degree: np.ndarray, overlap: float, bounds: Bounds, seen: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs that share more columns than their activity explains, and how many they share.

    In bounded portions.
    """
    if matrix.nnz == 0:
        return
    limit = explained(int(degree.max()), bounds.threshold)
    rows, transposed = np.flatnonzero(seen), matrix.T.tocsr()
    cost = np.cumsum((matrix @ np.diff(transposed.indptr))[rows])
    for start, stop in _blocks(cost):
        # Slicing costs a third of picking rows.
        block = matrix[start:stop] if seen.all() else matrix[rows[start:stop]]
        product = block @ transposed
        often = np.flatnonzero(product.data >= bounds.min_items)
        other, count = product.indices[often], product.data[often]
        one = rows[start + np.searchsorted(product.indptr, often, side="right") - 1]
        # A pair of two who are seen comes up twice.
        first = (one < other) | ~seen[other]
        one, other, count = one[first], other[first].astype(np.int64), count[first]
        left, right = np.minimum(one, other), np.maximum(one, other)
        kept = degree[left] * degree[right] * overlap <= limit[count]
        left, right, count = left[kept], right[kept], count[kept].astype(np.int64)
        for i in range(0, left.size, _PAIRS):
            part = slice(i, i + _PAIRS)
            yield left[part], right[part], count[part]


def _blocks(cost: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut rows into blocks of about equal cumulated cost."""
    start, spent = 0, 0
    while start < cost.size:
        stop = max(int(np.searchsorted(cost, spent + _BLOCK, side="right")), start + 1)
        yield start, stop
        start, spent = stop, int(cost[stop - 1])


def _distinct_items(met: Meetings, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) int64 items at which each pair met; meeting there again does not count again."""
    both = met.matrix[left].multiply(met.matrix[right]).tocoo()
    n_items = int(met.item.max()) + 1
    pair = distinct(both.row * np.int64(n_items) + met.item[both.col]) // n_items
    return np.bincount(pair, minlength=left.size)
