"""What is known of accounts: networks, devices, names, and bursts behind one place.

A campus is not a campaign: what is compared is how many throw-away accounts one place
registers within hours, with how many its honest pool would, judged by the registrations
of throw-away accounts elsewhere at that time and by the place's own other registrations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from detectors.actors.accounts.lookalikes import NameEvidence, Names, weigh_names
from detectors.actors.accounts.pools import PlaceEvidence, Pools, weigh_places
from detectors.actors.graph.significance import surprise
from detectors.actors.graph.visits import HOUR
from foretaste.core.batch import Batch

NEVER = np.iinfo(np.int64).min
"""Registration time of accounts that have none."""

PLACES = ("subnet_id", "network_id", "device_id")
"""Columns that are places wherever they are there."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Facts per contributor.

    Parameters
    ----------
    rows
        (n,) int64 contributions in the batch; 0 for those who only visited.
    registered
        (n,) int64 seconds since 1970, ``NEVER`` where unknown.
    places
        Per column who was seen where.
    names
        What is known of the accounts' names.
    """

    rows: np.ndarray
    registered: np.ndarray
    places: dict[str, Pools]
    names: Names

    @property
    def speak(self) -> bool:
        """True when there are networks and registration times to go by."""
        known = self.registered != NEVER
        return any(known[pools.who].any() for pools in self.places.values())

    def thin(self, most_rows: int) -> np.ndarray:
        """(n,) bool: contributors of one to ``most_rows`` contributions."""
        few: np.ndarray = (self.rows > 0) & (self.rows <= most_rows)
        return few


@dataclass(frozen=True, slots=True)
class Burst:
    """Throw-away accounts that one place registered within hours.

    Parameters
    ----------
    members
        Codes of contributors, by registration time.
    place
        Column of the place.
    hours
        Time from the first registration to the last.
    surprise
        -log10 of the probability among the honest pool, corrected for the search.
    pool
        Accounts of the place, members included.
    base
        Share of throw-away accounts among contributors elsewhere.
    """

    members: np.ndarray
    place: str
    hours: float
    surprise: float
    pool: int
    base: float


def describe(batch: Batch, names: np.ndarray, *, places: tuple[str, ...] = PLACES) -> Accounts:
    """Collect the facts.

    A column that the batch lacks (nights from before it was in the contract) is empty:
    it says nothing about anybody.

    Parameters
    ----------
    names
        All contributors, sorted.
    places
        Columns that count as places; the policy's attributes are ``a_<name>``.
    """
    at = pd.Index(names).get_indexer(pd.Index(batch.contributor_ids))
    who, n = at[batch.contributors].astype(np.int64), len(names)
    return Accounts(
        rows=np.bincount(who, minlength=n),
        registered=_registered(batch.rows["registered_at"], who, n),
        places={column: Pools.of(batch.rows.get(column), who, n) for column in places},
        names=Names.of(batch.rows, who, n),
    )


def shared_places(
    accounts: Accounts, members: np.ndarray, *, cap: float = 4.0, most_rows: int = 2
) -> PlaceEvidence:
    """Say how surprising it is that so many of a group share a place.

    Honest members of a place may all be in one group: what surprises is that they
    outnumber everybody else behind the place, the unseen included, beyond what households
    of that size explain. Exactly 0, never less, where no two members share a place (IP
    rotation), where all accounts share one, and where no place is known. Linear in the
    members' places.

    It cannot tell a ring from honest people who are all there is behind their network (a
    class whose school knows the pipeline through them alone): accounts in use get at most
    half of the ``cap``, and their other behaviour must acquit them.

    Parameters
    ----------
    members
        Distinct codes of contributors, found by other means than their places.
    cap
        Most nats of a group of throw-away accounts.
    most_rows
        Contributions up to which an account is a throw-away account.
    """
    thin = float(accounts.thin(most_rows)[members].sum()) / max(members.size, 1)
    return weigh_places(accounts.places, members, cap * (1 + thin) / 2)


def shared_names(accounts: Accounts, members: np.ndarray) -> NameEvidence:
    """Say how surprising it is that so many of a group are named alike; at most 1.5 nats.

    Weak by nature: use it beside other evidence, never alone. Ids that differ by case or
    look-alike letters stay different contributors; their equal stems are evidence here.
    Exactly 0 where no names are known, or all are named by one pattern.
    """
    return weigh_names(accounts.names, members)


def bursts(
    accounts: Accounts,
    *,
    windows: tuple[float, ...],
    most_rows: int,
    min_size: int,
    threshold: float,
) -> list[Burst]:
    """Find the bursts whose surprise reaches ``threshold``, the most telling first.

    Parameters
    ----------
    windows
        Lengths in hours that are tried.
    most_rows
        Contributions up to which an account is a throw-away account.
    """
    found = [
        burst
        for place, pools in accounts.places.items()
        for burst in _Scan.of(accounts, place, pools, most_rows).run(windows, min_size, threshold)
    ]
    return sorted(found, key=lambda b: (-b.surprise, -b.members.size, b.place, b.members.tolist()))


def _registered(column: pd.Series, who: np.ndarray, n: int) -> np.ndarray:
    """Earliest registration time that an account claimed."""
    known = column.notna().to_numpy(bool)
    times = column[known].to_numpy("datetime64[s]").astype(np.int64)
    earliest = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(earliest, who[known], times)
    return np.where(earliest == np.iinfo(np.int64).max, NEVER, earliest)


@dataclass(frozen=True, slots=True)
class _Scan:
    """Throw-away accounts by place and registration time, and the pool behind each place."""

    column: str
    place: np.ndarray
    who: np.ndarray
    time: np.ndarray
    everywhere: np.ndarray
    pool: np.ndarray
    span: np.ndarray
    base: float

    @classmethod
    def of(cls, accounts: Accounts, column: str, pools: Pools, most_rows: int) -> _Scan:
        known = accounts.registered != NEVER
        thin = accounts.thin(most_rows)
        place, who = pools.place[known[pools.who]], pools.who[known[pools.who]]
        time = accounts.registered[who]
        n_places = pools.size.size
        first = np.full(n_places, np.iinfo(np.int64).max)
        last = np.full(n_places, NEVER)
        np.minimum.at(first, place, time)
        np.maximum.at(last, place, time)
        mine = thin[who]
        place, who, time = place[mine], who[mine], time[mine]
        order = np.lexsort((who, time, place))
        contributors = int((accounts.rows > 0).sum())
        return cls(
            column,
            place[order],
            who[order],
            time[order],
            np.sort(accounts.registered[thin & known]),
            pools.size,
            np.maximum(last, first) - first,
            float((thin.sum() + 1) / (contributors + 2)),
        )

    def run(self, windows: tuple[float, ...], min_size: int, threshold: float) -> list[Burst]:
        """Take the most telling window first; no account is in two bursts of a place."""
        if self.who.size < min_size:
            return []
        start = np.tile(np.arange(self.who.size), len(windows))
        ends, levels = zip(*(self._window(hours) for hours in windows), strict=True)
        stop, level = np.concatenate(ends), np.concatenate(levels) - np.log10(len(windows))
        telling = np.flatnonzero((level >= threshold) & (stop - start >= min_size))
        size = (stop - start)[telling]
        order = telling[np.lexsort((start[telling], -size, -level[telling]))]
        taken, found = np.zeros(self.who.size, dtype=bool), []
        for i in order:
            inside = slice(int(start[i]), int(stop[i]))
            if not taken[inside].any():
                taken[inside] = True
                found.append(self._burst(inside, float(level[i])))
        return found

    def _window(self, hours: float) -> tuple[np.ndarray, np.ndarray]:
        """End of the window that starts at each account, and its surprise."""
        width = round(hours * HOUR)
        begin = self.time.min()
        scale = int(self.time.max() - begin) + width + 1
        key = self.place * np.int64(scale) + (self.time - begin)
        stop = np.searchsorted(key, key + width, side="right")
        size = stop - np.arange(self.who.size)
        anchors = np.bincount(self.place)[self.place]
        elsewhere = (
            np.searchsorted(self.everywhere, self.time + width, side="right")
            - np.searchsorted(self.everywhere, self.time)
            - size
        )
        others = np.maximum(self.everywhere.size - anchors, 0)
        share = (np.maximum(elsewhere, 0) + 1) / (others + 2)
        outside = np.maximum(self.pool[self.place] - size, 0)
        own = outside * width / np.maximum(self.span[self.place] - width, width)
        expected = np.maximum((anchors - 1) * share, own)
        # The window starts at an account: that one is given, the others must surprise.
        return stop, surprise(size - 1, np.maximum(expected, 1e-12)) - np.log10(anchors)

    def _burst(self, inside: slice, level: float) -> Burst:
        time = self.time[inside]
        return Burst(
            self.who[inside],
            self.column,
            float(time[-1] - time[0]) / HOUR,
            level,
            int(self.pool[self.place[inside.start]]),
            self.base,
        )
