"""Pairs of items that more contributors tie than chance explains, target by target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.actors.graph.significance import surprise
from detectors.actors.graph.visits import Visits, distinct
from detectors.actors.injection.lifts import Null, by_popularity, explain
from detectors.actors.injection.sessions import Ties


@dataclass(frozen=True, slots=True)
class SessionBounds:
    """What counts as a tie, and as too many of them.

    Parameters
    ----------
    gap_minutes, longest
        A pause, or so many visits, end a session.
    busiest
        Of contributors with more visits only a part of the sessions is looked at.
    reach
        Items at most so many steps apart in a session are tied.
    min_contributors, min_lift
        Fewest distinct contributors behind a pair, and least factor over its popularity.
    audience
        An anchor is an item so popular that this share of all visits goes to less
        popular ones.
    false_targets, false_anchors
        Tolerated share of false discoveries among the targets, and among the anchors of a
        target.
    visits_per_candidate
        No more pairs are looked at than one per so many visits, those that popularity
        explains least.
    most_pairs
        Suspicious pairs kept, the most surprising first.
    once_cap, session_cap, cap
        Most nats for a contributor's most telling session, for each other one, and in all.
    """

    gap_minutes: float = 10.0
    longest: int = 100
    busiest: int = 2000
    reach: int = 3
    min_contributors: int = 3
    min_lift: float = 8.0
    audience: float = 0.5
    false_targets: float = 0.01
    false_anchors: float = 0.1
    visits_per_candidate: int = 20
    most_pairs: int = 2000
    once_cap: float = 2.0
    session_cap: float = 6.0
    cap: float = 8.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs that popularity alone does not explain.

    Parameters
    ----------
    number
        (c,) int64 which pair of all ties.
    target, anchor
        (c,) int64 its items, the anchor the more popular one.
    contributors, occasions
        (c,) int64 distinct contributors behind it, and distinct hours.
    company
        (c,) float64 contributors per hour if they come when anybody does, at least 1.
    chance
        (c,) float64 tail probability of so many who come each at a time of its own.
    null
        What chance makes of them.
    n_anchors
        How many items are popular enough for an anchor.
    """

    number: np.ndarray
    target: np.ndarray
    anchor: np.ndarray
    contributors: np.ndarray
    occasions: np.ndarray
    company: np.ndarray
    chance: np.ndarray
    null: Null
    n_anchors: int


def candidates(tied: Ties, visits: Visits, bounds: SessionBounds) -> Candidates | None:
    """Pick the pairs with an anchor and a lift, and say what chance makes of each."""
    count, audience = tied.contributors(), _audience(visits)
    popular = by_popularity(tied, count, visits.n_items)
    known = _weighted_quantile(audience, bounds.audience)
    swapped = audience[tied.low] > audience[tied.high]
    anchor = np.where(swapped, tied.low, tied.high)
    others = audience[anchor] - count
    often = (count >= bounds.min_contributors) & (count > bounds.min_lift * popular)
    number = np.flatnonzero(often & (others >= known))
    number = _least_explained(
        number, count, popular, visits.who.size // bounds.visits_per_candidate
    )
    if number.size == 0:
        return None
    target = np.where(swapped, tied.high, tied.low)[number]
    count_of, popular = count[number], popular[number]
    least = np.maximum(bounds.min_contributors, np.floor(bounds.min_lift * popular) + 1.0)
    null = explain(tied, count, visits.n_items, number, target, popular, least)
    occasions = _occasions(tied.of(number))
    usual = _usual_occasions(count_of, tied.hour)
    alone = np.floor(count_of * np.minimum(occasions / usual, 1.0) + 0.5)
    n_anchors = int((audience >= known).sum())
    return Candidates(
        number,
        target,
        anchor[number],
        count_of,
        occasions,
        count_of / usual,
        null.chance(alone),
        null,
        n_anchors,
    )


def _least_explained(
    number: np.ndarray, count: np.ndarray, popular: np.ndarray, most: int
) -> np.ndarray:
    """Keep ``most`` pairs, and a hundred in any case."""
    level = surprise(count[number], popular[number])
    order = np.lexsort((number, -count[number] / popular[number], -level))
    return np.sort(number[order[: max(most, 100)]])


def _audience(visits: Visits) -> np.ndarray:
    """(n_items,) int64 distinct contributors of each item."""
    once = distinct(visits.item * np.int64(visits.n_who) + visits.who)
    return np.bincount(once // visits.n_who, minlength=visits.n_items)


def _weighted_quantile(weight: np.ndarray, share: float) -> float:
    """Give the weight below which this share of all weight lies."""
    ranked = np.sort(weight)
    below = np.cumsum(ranked)
    return float(ranked[min(int(np.searchsorted(below, share * below[-1])), ranked.size - 1)])


def _occasions(few: Ties) -> np.ndarray:
    """(p,) int64 distinct hours in which each pair was tied."""
    span = np.int64(few.hour.max(initial=0)) + 1
    once = distinct(few.pair * span + few.hour[few.session])
    return np.bincount(once // span, minlength=few.low.size)


def _usual_occasions(count: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """(p,) float64 distinct hours that so many people make who come when anybody does."""
    share = np.bincount(hour) / hour.size
    share = share[share > 0]
    size, code = np.unique(count, return_inverse=True)
    usual = np.array([-np.expm1(n * np.log1p(-np.minimum(share, 1 - 1e-12))).sum() for n in size])
    hours: np.ndarray = usual[code]
    return hours


def discoveries(found: Candidates, n_items: int, bounds: SessionBounds) -> np.ndarray:
    """(c,) float64 share of false discoveries at which each pair is one; inf for none.

    A target whose ties to many anchors surprise a little is as suspicious as one with a
    single tie that surprises much: a target is tested by the most telling of its i-th
    smallest chances (Berk and Jones 1979), Bonferroni over i. Targets, and then the anchors
    of a chosen target, are chosen at a bounded share of false ones (Benjamini and Hochberg
    1995; by families: Benjamini and Bogomolov 2014).
    """
    from scipy.special import betainc

    order = np.lexsort((found.anchor, found.chance, found.target))
    target, chance = found.target[order], found.chance[order]
    new = np.diff(target, prepend=-1) != 0
    family, begins = np.cumsum(new) - 1, np.flatnonzero(new)
    size = np.diff(np.append(begins, target.size))
    rank = np.arange(target.size) - begins[family] + 1.0
    together = betainc(rank, np.maximum(found.n_anchors - rank + 1.0, 1.0), chance)
    best = np.minimum(np.minimum.reduceat(together, begins) * size, 1.0)
    false_target = _step_up(best, np.zeros(best.size, dtype=np.int64), n_items)
    false_anchor = _step_up(chance, family, found.n_anchors)
    false = np.maximum(false_target[family], false_anchor)
    none = (false_target[family] > bounds.false_targets) | (false_anchor > bounds.false_anchors)
    share = np.empty(target.size)
    share[order] = np.where(none, np.inf, false)
    return share


def _step_up(chance: np.ndarray, family: np.ndarray, tests: int) -> np.ndarray:
    """Share of false discoveries at which each is one of its family, of ``tests`` tests."""
    order = np.lexsort((chance, family))
    start = np.searchsorted(family[order], family[order])
    share = chance[order] * tests / (np.arange(order.size) - start + 1.0)
    # The running minimum from the end of each family: later families are lifted out of reach.
    share = np.minimum(share, 1.0) + 2.0 * family[order]
    share = np.minimum.accumulate(share[::-1])[::-1] - 2.0 * family[order]
    adjusted = np.empty(order.size)
    adjusted[order] = share
    return adjusted
