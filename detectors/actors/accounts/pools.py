"""Places that a group shares, and the honest pool behind each.

A campus is not a campaign: sharing a network tells nothing where many others are behind
it, a group that is nearly alone there tells much. Addresses, subnets, devices and the
policy's own attributes (a relay) are all places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from detectors.actors.accounts.chances import at_least, evidence

TOGETHER = 0.05
"""Chance that honest people who do things together are all there is behind their place."""

WORDS = {"subnet_id": "subnet", "network_id": "address", "device_id": "device"}


def place_word(column: str) -> str:
    """Name a place column for people; attributes by their own name."""
    return WORDS.get(column, column.removeprefix("a_"))


@dataclass(frozen=True, slots=True)
class Pools:
    """Who was seen at which place of one kind.

    Parameters
    ----------
    place, who
        (p,) int64 codes, each pair once, sorted by ``who``, then by place.
    rows
        (p,) int64 contributions from there.
    start
        (n + 1,) int64: the pairs of contributor i are ``start[i]:start[i + 1]``.
    size, once, twice
        (n_places,) int64 contributors in all, with one contribution from there, with two.
    crowded
        Entry k: contributors, at whose largest place there are at least k.
    """

    place: np.ndarray
    who: np.ndarray
    rows: np.ndarray
    start: np.ndarray
    size: np.ndarray
    once: np.ndarray
    twice: np.ndarray
    crowded: np.ndarray

    @classmethod
    def of(cls, column: pd.Series | None, who: np.ndarray, n: int) -> Pools:
        """Count; a missing column and null places are nobody's place.

        Parameters
        ----------
        column
            Row-aligned places.
        who
            Row-aligned contributor codes below ``n``.
        """
        codes = np.full(who.size, -1) if column is None else pd.factorize(column, sort=True)[0]
        known = codes >= 0
        n_places = np.int64(codes.max(initial=-1) + 1)
        mixed, rows = np.unique(who[known] * n_places + codes[known], return_counts=True)
        person, place = np.divmod(mixed, max(n_places, np.int64(1)))
        size = np.bincount(place, minlength=n_places)
        largest = np.zeros(n, dtype=np.int64)
        np.maximum.at(largest, person, size[place])
        return cls(
            place,
            person,
            rows,
            np.searchsorted(person, np.arange(n + 1)),
            size,
            np.bincount(place[rows == 1], minlength=n_places),
            np.bincount(place[rows == 2], minlength=n_places),
            np.cumsum(np.bincount(largest, minlength=1)[::-1])[::-1],
        )

    @property
    def known(self) -> int:
        """Contributors whose place is known."""
        return int(self.crowded[1]) if self.crowded.size > 1 else 0

    def around(self, size: np.ndarray) -> np.ndarray:
        """Contributors at whose largest place there are at least ``size``."""
        last = self.crowded.size - 1
        found: np.ndarray = np.where(size > last, 0, self.crowded[np.minimum(size, last)])
        return found

    def of_members(self, members: np.ndarray) -> np.ndarray:
        """Positions of the pairs of ``members``."""
        first, count = self.start[members], self.start[members + 1] - self.start[members]
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pairs: np.ndarray = np.repeat(first, count) + offset
        return pairs


@dataclass(frozen=True, slots=True)
class PlaceEvidence:
    """How surprising it is that a group shares places.

    Parameters
    ----------
    nats
        At least 0, at most the cap; 0 says nothing about the group, not that it is honest.
    place
        Column of the places, "" where none speaks.
    count, size
        Members at shared places, and members in all.
    places
        Places that they share.
    pool
        Accounts at those places that are not of the group, the unseen estimated.
    """

    nats: float = 0.0
    place: str = ""
    count: int = 0
    size: int = 0
    places: int = 0
    pool: int = 0

    @property
    def reason(self) -> str:
        """Put it in words: ``31 of 31 at one subnet, pool 4``; "" where nothing speaks."""
        if not self.nats:
            return ""
        where = "one" if self.places == 1 else str(self.places)
        word = place_word(self.place) + ("" if self.places == 1 else "s")
        return f"{self.count} of {self.size} at {where} {word}, pool {self.pool}"


def weigh_places(pools: dict[str, Pools], members: np.ndarray, cap: float) -> PlaceEvidence:
    """Weigh the most telling kind of place; see ``shared_places``."""
    speaking = {column: pool for column, pool in pools.items() if pool.known}
    found = [_weigh(name, pool, members, len(speaking), cap) for name, pool in speaking.items()]
    return max(found, key=lambda e: (e.nats, e.count), default=PlaceEvidence())


def _weigh(column: str, pools: Pools, members: np.ndarray, kinds: int, cap: float) -> PlaceEvidence:
    pairs = pools.of_members(members)
    place, inside = np.unique(pools.place[pairs], return_counts=True)
    shared = inside > 1
    if not shared.any():
        return PlaceEvidence()
    outside = _outside(pools, pairs, place)
    size = np.unique(pools.who[pairs]).size
    chance = _chances(pools, inside, outside, size)
    best = int(np.argmin(chance))
    single, joint = float(chance[best]) * place.size, _fisher(chance)
    nats = float(evidence(min(2 * kinds * min(single, joint), 1.0), cap))
    chosen = shared if joint < single else np.arange(place.size) == best
    there = pairs[np.isin(pools.place[pairs], place[chosen])]
    return PlaceEvidence(
        nats=nats,
        place=column,
        count=int(np.unique(pools.who[there]).size),
        size=int(members.size),
        places=int(chosen.sum()),
        pool=int(outside[chosen].sum()),
    )


def _outside(pools: Pools, pairs: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Accounts at each place beside the group, the unseen ones estimated (Chao 1984).

    At most as many unseen as seen are believed: one-row accounts are cheap.
    """
    at = np.searchsorted(place, pools.place[pairs])

    def others(counted: np.ndarray, mine: np.ndarray) -> np.ndarray:
        rest: np.ndarray = counted[place] - np.bincount(at[mine], minlength=place.size)
        return rest

    rows = pools.rows[pairs]
    seen = others(pools.size, rows > 0)
    once, twice = others(pools.once, rows == 1), others(pools.twice, rows == 2)
    all_of_them: np.ndarray = seen + np.minimum(once * (once - 1) // (2 * (twice + 1)), seen)
    return all_of_them


def _chances(pools: Pools, inside: np.ndarray, outside: np.ndarray, size: int) -> np.ndarray:
    """Chance of as many members at each place, one of them given, among honest people.

    Honest members are at most as many as everybody else behind the place; or they are a
    household of their own, as likely as places of about that size are elsewhere.
    """
    rest = max(pools.known - size, 1)
    crowd = at_least(inside - 1, outside, max(1.0, size / rest))
    usual = pools.around(inside) - pools.around(2 * (inside + outside) + 1)
    elsewhere = np.maximum(usual - inside, 0)
    household = TOGETHER * (elsewhere + 1) / (rest + 2)
    chance: np.ndarray = np.where(inside > 1, np.maximum(crowd, household), 1.0)
    return chance


def _fisher(chance: np.ndarray) -> float:
    """Joint chance of all places (Fisher 1932): many small coincidences speak together."""
    from scipy.special import gammaincc

    return float(gammaincc(chance.size, -np.log(chance).sum()))
