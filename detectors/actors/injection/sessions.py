"""Sittings of contributors, and which items they tie together.

Who visits two items within a few steps of one sitting ties them: that is what a
recommender by co-visits learns from, and what an injection has to fake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.graph.visits import HOUR, Visits, distinct

_LARGEST = 2.0**62


@dataclass(frozen=True, slots=True)
class Sessions:
    """Visits sitting by sitting; going on looking at the same item is one visit.

    Parameters
    ----------
    item, seconds, session
        (v,) int64, sorted by contributor, time and item.
    owner
        (s,) int64 the contributor of each session.
    """

    item: np.ndarray
    seconds: np.ndarray
    session: np.ndarray
    owner: np.ndarray


def sessions(visits: Visits, *, gap_minutes: float, longest: int, busiest: int) -> Sessions:
    """Cut every contributor's visits where nothing happens for a while, by one sort.

    Parameters
    ----------
    gap_minutes
        A longer pause ends a session.
    longest
        Visits after which a session ends in any case; nobody sits through more.
    busiest
        Of contributors with more visits every second, third, ... session is kept, so that
        a crawler does not explain everything.
    """
    who, item, seconds = _in_order(visits)
    begins = np.diff(who, prepend=-1) != 0
    begins |= np.diff(seconds, prepend=0) > 60 * gap_minutes
    kept = begins | (np.diff(item, prepend=-1) != 0)
    who, item, seconds, begins = who[kept], item[kept], seconds[kept], begins[kept]
    place = np.arange(who.size)
    first = np.maximum.accumulate(np.where(begins, place, 0))
    begins |= (place - first) % longest == 0
    every = np.bincount(who, minlength=visits.n_who) // (busiest + 1) + 1
    return _every(Sessions(item, seconds, np.cumsum(begins) - 1, who[begins]), every)


def _in_order(visits: Visits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort by contributor, time and item; as one integer per visit where these fit."""
    span, n_items = np.int64(visits.seconds.max(initial=0)) + 1, np.int64(visits.n_items)
    if float(visits.n_who) * float(span) * float(n_items) >= _LARGEST:
        order = np.lexsort((visits.item, visits.seconds, visits.who))
        return visits.who[order], visits.item[order], visits.seconds[order]
    mixed = np.sort((visits.who * span + visits.seconds) * n_items + visits.item)
    mixed, item = np.divmod(mixed, n_items)
    who, seconds = np.divmod(mixed, span)
    return who, item, seconds


def _every(seen: Sessions, every: np.ndarray) -> Sessions:
    """Keep every n-th session of each contributor, (n_who,) n."""
    owner = seen.owner
    kept = (np.arange(owner.size) - np.searchsorted(owner, owner)) % every[owner] == 0
    inside = kept[seen.session]
    session = (np.cumsum(kept) - 1)[seen.session[inside]]
    return Sessions(seen.item[inside], seen.seconds[inside], session, owner[kept])


@dataclass(frozen=True, slots=True)
class Ties:
    """Who tied which two items in which session, sorted by pair, contributor and session.

    Parameters
    ----------
    low, high
        (p,) int64 items of each pair, ``low < high``, sorted.
    pair, session
        (e,) int64 pair and session of each tie, each once.
    owner
        (s,) int64 the contributor of each session.
    hour
        (s,) int64 the hour in which each session began.
    """

    low: np.ndarray
    high: np.ndarray
    pair: np.ndarray
    session: np.ndarray
    owner: np.ndarray
    hour: np.ndarray

    def who(self) -> np.ndarray:
        """(e,) int64 the contributor of each tie."""
        who: np.ndarray = self.owner[self.session]
        return who

    def contributors(self) -> np.ndarray:
        """(p,) int64 distinct contributors behind each pair."""
        first = (np.diff(self.pair, prepend=-1) != 0) | (np.diff(self.who(), prepend=-1) != 0)
        return np.bincount(self.pair[first], minlength=self.low.size)

    def sittings(self, n_who: int) -> np.ndarray:
        """(n_who,) int64 sessions of each contributor that tie anything."""
        tying = np.zeros(self.owner.size, dtype=bool)
        tying[self.session] = True
        return np.bincount(self.owner[tying], minlength=n_who)

    def of(self, pairs: np.ndarray) -> Ties:
        """Keep the ties of some pairs, which are numbered in the given order, sorted."""
        number = np.full(self.low.size, -1)
        number[pairs] = np.arange(pairs.size)
        kept = np.flatnonzero(number[self.pair] >= 0)
        pair, session = number[self.pair[kept]], self.session[kept]
        order = np.argsort(pair, kind="stable")
        low, high = self.low[pairs], self.high[pairs]
        return Ties(low, high, pair[order], session[order], self.owner, self.hour)


def ties(seen: Sessions, n_items: int, *, reach: int) -> Ties:
    """Pair the items that are at most ``reach`` steps apart: at most ``reach`` ties a visit."""
    pairs, at = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for step in range(1, reach + 1):
        one, other, session = seen.item[:-step], seen.item[step:], seen.session[step:]
        kept = (seen.session[:-step] == session) & (one != other)
        low, high = np.minimum(one, other)[kept], np.maximum(one, other)[kept]
        pairs.append(low * np.int64(n_items) + high)
        at.append(session[kept])
    pair, session = _sorted_once(np.concatenate(pairs), np.concatenate(at), seen.owner.size)
    new = np.diff(pair, prepend=-1) != 0
    low, high = np.divmod(pair[new], max(n_items, 1))
    begins = seen.seconds[np.diff(seen.session, prepend=-1) != 0]
    return Ties(low, high, np.cumsum(new) - 1, session, seen.owner, begins // HOUR)


def _sorted_once(
    pair: np.ndarray, session: np.ndarray, n_sessions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sort by pair, then session, which come contributor by contributor; drop repeats."""
    place = None
    if float(pair.max(initial=0)) * n_sessions >= _LARGEST:
        place = distinct(pair)
        pair = np.searchsorted(place, pair)
    mixed = distinct(pair * np.int64(n_sessions) + session)
    pair, session = np.divmod(mixed, max(n_sessions, 1))
    return (pair if place is None else place[pair]), session
