"""What the members of each group share: items that surprisingly many of them visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.actors.graph.significance import surprise
from detectors.actors.graph.visits import Visits, distinct

_SURPRISING = 6.0
_MOST_OF = 0.3
_LEAST = 3


def many(size: np.ndarray) -> np.ndarray:
    """Give the members of a group of ``size`` who are enough to speak for it."""
    enough: np.ndarray = np.maximum(np.minimum(_LEAST, size), _MOST_OF * size)
    return enough


@dataclass(frozen=True, slots=True)
class Shared:
    """Distinct visits, and per (group, item) that a member visits how many do.

    Parameters
    ----------
    who, place
        (p,) int64 distinct pairs of a contributor and an item.
    degree, popularity
        (n_who,) items of each contributor; (n_items,) contributors of each item.
    label, size
        (n_who,) group of each contributor, -1 for none; (G,) members of each group.
    group, item, members
        (k,) int64: members of ``group`` who visit ``item``.
    expected
        (k,) float64: as many as chance has it, by activity and popularity.
    shared, target
        (k,) bool: surprisingly many; and three of ten members at least.
    """

    who: np.ndarray
    place: np.ndarray
    degree: np.ndarray
    popularity: np.ndarray
    label: np.ndarray
    size: np.ndarray
    group: np.ndarray
    item: np.ndarray
    members: np.ndarray
    expected: np.ndarray
    shared: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, visits: Visits, label: np.ndarray) -> Shared:
        """Count; groups are 0 to G - 1 of ``label``."""
        n_items = np.int64(max(visits.n_items, 1))
        who, place = np.divmod(distinct(visits.who * n_items + visits.item), n_items)
        popularity = np.bincount(place, minlength=visits.n_items)
        inside = label[who] >= 0
        key = np.sort(label[who[inside]] * n_items + place[inside])
        first = np.flatnonzero(np.diff(key, prepend=-1))
        members = np.diff(first, append=key.size)
        group, item = np.divmod(key[first], n_items)
        size = np.bincount(label[label >= 0], minlength=int(label.max(initial=-1)) + 1)
        own = np.bincount(group, members, minlength=size.size)
        expected = np.maximum(own[group] * popularity[item] / max(who.size, 1), 1e-9)
        strange = surprise(members, expected) >= _SURPRISING
        shared = strange & (members >= np.minimum(_LEAST, size[group]))
        return cls(
            who,
            place,
            np.bincount(who, minlength=visits.n_who),
            popularity,
            label,
            size,
            group,
            item,
            members,
            expected,
            shared,
            shared & (members >= many(size[group])),
        )

    def per_group(self, chosen: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """(G,) float64 sums of ``weight``, or counts, over the chosen (group, item)."""
        weights = None if weight is None else weight[chosen]
        sums = np.bincount(self.group[chosen], weights, minlength=self.size.size)
        return sums.astype(np.float64)

    def at_targets(self, most: int) -> Any:
        """(n_who, G) sparse: at how many targets of each group each contributor was.

        Targets of more than ``most`` contributors tell nobody apart and are left out, so
        that the product stays bounded.
        """
        from scipy.sparse import csr_matrix

        used = self.usable(most)
        shape = (self.popularity.size, self.size.size)
        targets = csr_matrix((np.ones(used.sum()), (self.item[used], self.group[used])), shape)
        kept = (np.diff(targets.indptr) > 0)[self.place]
        visited = csr_matrix(
            (np.ones(kept.sum()), (self.who[kept], self.place[kept])),
            (self.degree.size, self.popularity.size),
        )
        return (visited @ targets).tocoo()

    def usable(self, most: int) -> np.ndarray:
        """(k,) bool: targets of at most ``most`` contributors."""
        usable: np.ndarray = self.target & (self.popularity[self.item] <= most)
        return usable

    def chance(self, most: int) -> np.ndarray:
        """(G,) float64: chance that one visit of anybody goes to a usable target."""
        weight = self.popularity[self.item] / max(self.who.size, 1)
        return self.per_group(self.usable(most), weight)
