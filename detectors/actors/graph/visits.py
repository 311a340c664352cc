"""Visits as integers, and who met whom: contributors x (item, time slot), 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

HOUR = 3600
_LARGEST = 2.0**62


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits in codes.

    Parameters
    ----------
    who, item
        (m,) int64 codes of contributors and items.
    seconds
        (m,) int64 seconds since the first visit.
    n_who, n_items
        How many of each there are.
    """

    who: np.ndarray
    item: np.ndarray
    seconds: np.ndarray
    n_who: int
    n_items: int

    def counts(self) -> Any:
        """(n_who, n_items) sparse float64: how often each visited what."""
        from scipy.sparse import csr_matrix

        ones = np.ones(self.who.size)
        return csr_matrix((ones, (self.who, self.item)), shape=(self.n_who, self.n_items))


def distinct(values: np.ndarray) -> np.ndarray:
    """Sorted distinct integers, by sorting: numpy's hash table is several times slower here."""
    ordered = np.sort(values)
    first = np.ones(ordered.size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def encode(visits: pd.DataFrame, names: np.ndarray) -> Visits:
    """Put visits into codes; ``names`` are all contributors, sorted."""
    who = pd.Index(names).get_indexer(pd.Index(visits["contributor_id"].astype(object)))
    item, items = pd.factorize(visits["item_id"], sort=True)
    seconds = visits["visited_at"].to_numpy("datetime64[s]").astype(np.int64)
    seen = (who >= 0) & (item >= 0)
    seconds = seconds[seen]
    return Visits(
        who[seen].astype(np.int64),
        item[seen].astype(np.int64),
        seconds - seconds.min(initial=seconds[0] if seconds.size else 0),
        len(names),
        len(items),
    )


@dataclass(frozen=True, slots=True)
class Occasions:
    """Who was where in which time slot, sorted by occasion, then by contributor.

    Parameters
    ----------
    occasion
        (p,) int64 codes of occasions, one (item, slot) each.
    who
        (p,) int64 contributors, each once per occasion.
    times
        (p,) int64 how often the contributor came.
    item
        (n_occasions,) int64 the item of each occasion.
    """

    occasion: np.ndarray
    who: np.ndarray
    times: np.ndarray
    item: np.ndarray


def occasions(visits: Visits, hours: float | None) -> Occasions:
    """Cut time into slots of twice ``hours`` that overlap by half; None: one slot for all.

    Two visits at most ``hours`` apart share at least one slot, two that are more than
    twice as far apart share none. Each visit stands in two slots.
    """
    key, who, n_slots = visits.item, visits.who, np.int64(1)
    if hours is not None:
        width = max(round(hours * HOUR), 1)
        even = visits.seconds // (2 * width) * 2
        odd = (visits.seconds + width) // (2 * width) * 2 + 1
        slot = np.concatenate([even, odd])
        n_slots = np.int64(slot.max(initial=0)) + 1
        key, who = np.tile(key, 2) * n_slots + slot, np.tile(who, 2)
    place = None
    if float(visits.n_items) * float(n_slots) * visits.n_who >= _LARGEST:
        place = distinct(key)
        key = np.searchsorted(place, key)
    # One sort of one integer per visit; everything else is linear.
    mixed = np.sort(key * np.int64(visits.n_who) + who)
    start = np.flatnonzero(np.diff(mixed, prepend=-1))
    key, who = np.divmod(mixed[start], visits.n_who)
    new = np.diff(key, prepend=-1) != 0
    first = key[new] if place is None else place[key[new]]
    times = np.diff(start, append=mixed.size)
    return Occasions(np.cumsum(new) - 1, who, times, first // n_slots)


@dataclass(frozen=True, slots=True)
class Meetings:
    """Who met whom, small enough to multiply.

    Parameters
    ----------
    matrix
        (n_who, n_columns) sparse 0/1, one column per occasion with two or more people.
    item
        (n_columns,) int64: the item of each column.
    """

    matrix: Any
    item: np.ndarray

    @property
    def once(self) -> bool:
        """True when no item has more than one column."""
        return distinct(self.item).size == self.item.size


def meetings(
    seen: Occasions, n_who: int, *, most_pairs: float, max_columns: int, seed: int
) -> Meetings:
    """Bound what the product of the occasions with themselves costs.

    Parameters
    ----------
    most_pairs
        Pairs that the product may look at. A cap on the people at an occasion follows
        from it; larger ones are sampled down to the cap, none is dropped, so that there
        is no popularity behind which to hide.
    max_columns
        Contributors at more occasions are crawlers and left out.
    seed
        Secret seed of the sampling.
    """
    from scipy.sparse import csr_matrix

    busy = np.bincount(seen.who, minlength=n_who) > max_columns
    at, who = seen.occasion[~busy[seen.who]], seen.who[~busy[seen.who]]
    size = np.bincount(at, minlength=seen.item.size)
    kept = (size[at] > 1) & _sampled(at, who, size, _cap(size, most_pairs), seed)
    at, who = at[kept], who[kept]
    used = np.flatnonzero(np.bincount(at, minlength=seen.item.size))
    column = np.zeros(seen.item.size, dtype=np.int64)
    column[used] = np.arange(used.size)
    ones = np.ones(at.size, dtype=np.int32)
    matrix = csr_matrix((ones, (who, column[at])), shape=(n_who, used.size))
    return Meetings(matrix, seen.item[used])


def _cap(size: np.ndarray, budget: float) -> int:
    """Give the largest cap at which the columns cost at most ``budget`` pairs, at least 2."""
    low, high = 2, max(int(size.max(initial=2)), 2)
    while low < high:
        middle = (low + high + 1) // 2
        cut = np.minimum(size, middle).astype(np.float64)
        low, high = (middle, high) if (cut * (cut - 1)).sum() / 2 <= budget else (low, middle - 1)
    return low


def _sampled(
    column: np.ndarray, who: np.ndarray, size: np.ndarray, cap: int, seed: int
) -> np.ndarray:
    """Choose ``cap`` entries of each larger column by a keyed hash of (column, who)."""
    keep = np.ones(column.size, dtype=bool)
    large = np.flatnonzero(size[column] > cap)
    draw = keyed_hash(column[large].astype(np.uint64), who[large].astype(np.uint64), seed)
    order = np.lexsort((draw, column[large]))
    ordered = column[large][order]
    rank = np.arange(order.size) - np.searchsorted(ordered, ordered)
    keep[large[order[rank >= cap]]] = False
    return keep


def keyed_hash(left: np.ndarray, right: np.ndarray, seed: int) -> np.ndarray:
    """Mix two (n,) uint64 codes and a seed into 64 bits (splitmix64, Steele et al. 2014)."""
    x = left * np.uint64(0x9E3779B97F4A7C15) + right + np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed
