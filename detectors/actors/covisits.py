"""Pairs of contributors that are at the same items at the same time too often.

Edges are kept by surprise, not by count. Two explanations are granted to chance, and
the better one counts: both are busy and the items are popular; or both go to the same
items, as people of one community do, and now and then meet there. The graph's memory
grows with the pairs that surprise, never with all pairs (SynchroTrap, Cao et al. 2014,
compares like slots; the tail test follows the null models of bipartite projections).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.actors.significance import explained, surprise
from detectors.actors.visits import Meetings, Occasions, Visits, distinct, meetings, occasions

logger = logging.getLogger(__name__)

_BLOCK = 4_000_000
_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class Edges:
    """Synchronous pairs, ``left < right``, sorted, each once at its most telling scale.

    Parameters
    ----------
    left, right
        (e,) int64 codes of contributors.
    surprise
        (e,) float64 -log10 of the tail probability, at most 60.
    shared
        (e,) int64 distinct items at which they met.
    hours
        (e,) float64 the time scale.
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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the graph may cost, and what counts.

    Parameters
    ----------
    scales
        Hours within which two visits to an item are a meeting; several at once.
    min_items
        Distinct items at which a pair must have met.
    threshold
        Least surprise of an edge; 6 is a probability of one in a million.
    pair_budget, max_columns
        See ``detectors.actors.visits.meetings``.
    crowd
        Visits that an item needs before its own rush hours, rather than those of all
        items, excuse a meeting there.
    """

    scales: tuple[float, ...]
    min_items: int
    threshold: float
    pair_budget: float
    max_columns: int
    crowd: float


def synchronous_edges(visits: Visits, bounds: Bounds, seed: int) -> Edges:
    """Find the pairs whose meetings surprise at some time scale."""
    ever = occasions(visits, None)
    found = [_at_scale(visits, ever, hours, bounds, seed) for hours in bounds.scales]
    left, right, level, shared, hours = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((hours, -level, right, left))
    left, right = left[order], right[order]
    first = np.ones(left.size, dtype=bool)
    first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    logger.info("%d synchronous pairs among %d contributors", first.sum(), visits.n_who)
    rest = (part[order][first] for part in (level, shared, hours))
    return Edges(left[first], right[first], *rest)


def coincidence(slotted: Occasions, ever: Occasions, n_items: int, crowd: float) -> np.ndarray:
    """(n_items,) float64: chance that two people's visits to an item fall into one slot.

    Each item's own rate, drawn towards the rate over all items with the weight of a crowd
    of ``crowd`` visits: rush hours of popular items are theirs, a few accounts cannot
    declare their own meeting a rush hour.

    Parameters
    ----------
    slotted, ever
        The visits by item and slot, and by item alone.
    """
    together, all_pairs = _others(slotted, n_items), _others(ever, n_items)
    overall = together.sum() / all_pairs.sum() if all_pairs.sum() > 0 else 1.0
    drawn = (together + crowd**2 * overall) / (all_pairs + crowd**2)
    rate: np.ndarray = np.minimum(drawn, 1.0)
    return rate


def _others(seen: Occasions, n_items: int) -> np.ndarray:
    """(n_items,) ordered pairs of visits by two people at one occasion, summed by item."""
    times = seen.times.astype(np.float64)
    size = np.bincount(seen.occasion, times, minlength=seen.item.size)
    alone = np.bincount(seen.occasion, times**2, minlength=seen.item.size)
    return np.bincount(seen.item, size**2 - alone, minlength=n_items)


def _at_scale(
    visits: Visits, ever: Occasions, hours: float, bounds: Bounds, seed: int
) -> tuple[np.ndarray, ...]:
    """Edges at one time scale: left, right, surprise, shared, hours."""
    slotted = occasions(visits, hours)
    met = meetings(
        slotted,
        visits.n_who,
        most_pairs=bounds.pair_budget * visits.who.size,
        max_columns=bounds.max_columns,
        seed=seed,
    )
    degree = np.asarray(met.matrix.sum(axis=1)).ravel().astype(np.float64)
    size = np.asarray(met.matrix.sum(axis=0)).ravel().astype(np.float64)
    overlap = float((size**2).sum() / max(size.sum(), 1.0) ** 2)
    rate, often = coincidence(slotted, ever, visits.n_items, bounds.crowd), visits.counts()
    parts = [_NO_EDGES]
    for left, right in _candidates(met.matrix, degree, overlap, bounds):
        shared = _distinct_items(met, left, right)
        chance = _chance(often, rate, left, right)
        level = surprise(shared, np.maximum(degree[left] * degree[right] * overlap, chance))
        kept = (shared >= bounds.min_items) & (level >= bounds.threshold)
        kept_hours = np.full(int(kept.sum()), hours)
        parts.append((left[kept], right[kept], level[kept], shared[kept], kept_hours))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


_NO_EDGES = (
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int64),
    np.zeros(0),
    np.zeros(0, dtype=np.int64),
    np.zeros(0),
)


def _candidates(
    matrix: Any, degree: np.ndarray, overlap: float, bounds: Bounds
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs that share more columns than their activity explains, in bounded portions."""
    if matrix.nnz == 0:
        return
    limit = explained(int(degree.max()), bounds.threshold)
    transposed = matrix.T.tocsr()
    cost = np.cumsum(matrix @ np.diff(transposed.indptr))
    for start, stop in _blocks(cost):
        product = (matrix[start:stop] @ transposed).tocoo()
        left, right = product.row.astype(np.int64) + start, product.col.astype(np.int64)
        often = (left < right) & (product.data >= bounds.min_items)
        left, right, count = left[often], right[often], product.data[often]
        kept = degree[left] * degree[right] * overlap <= limit[count]
        left, right = left[kept], right[kept]
        for i in range(0, left.size, _PAIRS):
            yield left[i : i + _PAIRS], right[i : i + _PAIRS]


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


def _chance(often: Any, rate: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) expected number of items at which a pair meets, given who goes where how often."""
    both = often[left].multiply(often[right]).tocsr()
    both.data = -np.expm1(-both.data * rate[both.indices])
    expected: np.ndarray = np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1e-12)
    return expected
