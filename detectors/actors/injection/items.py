"""Co-visit injection: unpopular items that few accounts tie to popular ones, again and again.

Yang, Gong and Cai (NDSS 2017) push an item by fake sessions that visit a popular anchor
and then the target. Here a pair of items is suspicious when more contributors tie it, each
at a time of its own, than popularity and kinship explain; a contributor is suspicious
when its sessions consist of such pairs. What people do in company, within one hour, is
one occasion: a class, a crowd, or lockstep, which the meetings of contributors show.

It cannot see ties to items of little popularity (nobody is shown them) or to the very
few that everybody visits (they tie with everything), accounts that make one session each
in an otherwise full life, and injections whose sessions run into each other: targets tied
to each other explain each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.graph.significance import MOST, surprise
from detectors.actors.graph.visits import Occasions, Visits, distinct, meetings
from detectors.actors.injection.sessions import Ties, sessions, ties
from detectors.actors.injection.suspects import Candidates, SessionBounds, candidates, discoveries

_MOST_EDGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of items, the anchor the more popular one.

    Parameters
    ----------
    target, anchor
        (p,) int64 items of each pair.
    covisits, contributors, again
        (p,) int64 sessions that tie them, distinct contributors, and how many of these did
        it in more than one session.
    occasions
        (p,) int64 distinct hours in which it happened.
    expected, lift
        (p,) float64 contributors that chance explains, and how many times as many there are.
    surprise
        (p,) float64 -log10 of the tail probability, at most 60; company counts once.
    false
        (p,) float64 tolerated share of false discoveries at which the pair is one.
    """

    target: np.ndarray
    anchor: np.ndarray
    covisits: np.ndarray
    contributors: np.ndarray
    again: np.ndarray
    occasions: np.ndarray
    expected: np.ndarray
    lift: np.ndarray
    surprise: np.ndarray
    false: np.ndarray


@dataclass(frozen=True, slots=True)
class Injection:
    """Suspicious pairs of items, whose sessions consist of them, and who shares them.

    Parameters
    ----------
    pairs
        Suspicious pairs, the most surprising first.
    nats
        (n_who,) float64 evidence that a contributor's sessions are injected, in [0, cap];
        0 for everybody who has no part in it.
    left, right
        (e,) int64 contributors with evidence that share pairs, ``left < right``, sorted.
    surprise
        (e,) float64 -log10 of the tail probability of sharing so many, given how much both
        tie; at most 60.
    kinship, size
        Estimates of ``detectors.actors.injection.lifts.Null``; NaN where nothing was judged.
    """

    pairs: Pairs
    nats: np.ndarray
    left: np.ndarray
    right: np.ndarray
    surprise: np.ndarray
    kinship: float
    size: float


def covisit_injection(visits: Visits, bounds: SessionBounds, seed: int) -> Injection:
    """Find injected pairs of items and the contributors behind them, without known Sybils.

    Costs a sort of the visits and of ``reach`` ties per visit, and then what the
    candidates' companions are. Without times of their own, visits make no sessions, and
    nothing is found.

    Parameters
    ----------
    seed
        Secret seed of the sampling of contributors where very many share a pair.
    """
    if visits.seconds.size == 0 or visits.seconds.min() == visits.seconds.max():
        return _nothing(visits.n_who)
    seen = sessions(
        visits,
        gap_minutes=bounds.gap_minutes,
        longest=bounds.longest,
        busiest=bounds.busiest,
    )
    tied = ties(seen, visits.n_items, reach=bounds.reach)
    found = candidates(tied, visits, bounds)
    if found is None:
        return _nothing(visits.n_who)
    false = discoveries(found, visits.n_items, bounds)
    order = np.lexsort((found.number, found.chance))
    chosen = order[np.isfinite(false[order])][: bounds.most_pairs]
    few = tied.of(found.number[chosen])
    pairs = _pairs(few, found, chosen, false[chosen])
    nats = _evidence(few, pairs, found.company[chosen], tied.sittings(visits.n_who), bounds)
    shared = _edges(tied, few, nats > 0, seed)
    return Injection(pairs, nats, *shared, found.null.kinship, found.null.size)


def _nothing(n_who: int) -> Injection:
    code, number = np.zeros(0, dtype=np.int64), np.zeros(0)
    empty = Pairs(code, code, code, code, code, code, number, number, number, number)
    nan = float("nan")
    return Injection(empty, np.zeros(n_who), code, code, number, nan, nan)


def _pairs(few: Ties, found: Candidates, chosen: np.ndarray, false: np.ndarray) -> Pairs:
    each = few.pair * np.int64(few.owner.max(initial=0) + 1) + few.who()
    _, first, times = np.unique(each, return_index=True, return_counts=True)
    again = np.bincount(few.pair[first][times > 1], minlength=chosen.size)
    contributors, expected = found.contributors[chosen], found.null.expected[chosen]
    level = -np.log10(np.maximum(found.chance[chosen], 10.0**-MOST))
    return Pairs(
        target=found.target[chosen],
        anchor=found.anchor[chosen],
        covisits=np.bincount(few.pair, minlength=chosen.size),
        contributors=contributors,
        again=again,
        occasions=found.occasions[chosen],
        expected=expected,
        lift=contributors / expected,
        surprise=level,
        false=false,
    )


def _evidence(
    few: Ties, pairs: Pairs, company: np.ndarray, sittings: np.ndarray, bounds: SessionBounds
) -> np.ndarray:
    """(n_who,) nats: what the suspicious sessions say, less what the others that tie deny.

    A session says as much as its best pair: how surely it is one, and how many of those
    behind it chance does not explain. Of company, each says its part. The share of such
    sessions in an injector's life is unknown, every share as likely: a few in a full life
    are what honest visitors of a target have.
    """
    from scipy.special import betaln

    n_who = sittings.size
    says = np.minimum(-np.log(np.maximum(pairs.false, 1e-300)), np.log(pairs.lift))
    says = np.clip(says, 0.0, bounds.session_cap)
    there = few.pair * (np.int64(few.hour.max(initial=0)) + 1) + few.hour[few.session]
    _, code, present = np.unique(there, return_inverse=True, return_counts=True)
    part = np.minimum(company[few.pair] / present[code], 1.0)
    order = np.lexsort((-says[few.pair] * part, few.session))
    best = order[np.diff(few.session[order], prepend=-1) != 0]
    who, each = few.owner[few.session[best]], says[few.pair[best]] * part[best]
    most = np.zeros(n_who)
    np.maximum.at(most, who, each)
    # A pair may be new and people really take to it: doing it once says little.
    said = np.bincount(who, each, n_who) - np.maximum(most - bounds.once_cap, 0.0)
    mine = np.bincount(who, part[best], n_who)
    others = sittings - mine
    nats: np.ndarray = np.clip(said + betaln(mine + 1.0, others + 1.0), 0.0, bounds.cap)
    nats[mine == 0] = 0.0
    return nats


def _edges(
    tied: Ties, few: Ties, suspected: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contributors with evidence that share pairs; where very many share one, a sample."""
    n_who = np.int64(suspected.size)
    each = distinct((few.pair * n_who + few.who())[suspected[few.who()]])
    pair, who = np.divmod(each, n_who)
    ones = np.ones(who.size, dtype=np.int64)
    seen = Occasions(pair, who, ones, few.low)
    met = meetings(seen, suspected.size, most_pairs=_MOST_EDGES, max_columns=who.size, seed=seed)
    product = (met.matrix @ met.matrix.T).tocoo()
    upper = product.row < product.col
    left, right = product.row[upper].astype(np.int64), product.col[upper].astype(np.int64)
    order = np.lexsort((right, left))
    left, right, shared = left[order], right[order], product.data[upper][order]
    count = tied.contributors().astype(np.float64)
    overlap = (count**2).sum() / max(count.sum(), 1.0) ** 2
    degree = np.bincount(tied.who(), minlength=suspected.size).astype(np.float64)
    return left, right, surprise(shared, degree[left] * degree[right] * overlap)
