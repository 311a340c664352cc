"""Raters judged by each other: who agrees with trusted others, on his own, again and again.

Fairness and goodness are found together (Kumar et al., ICDM 2016 and WSDM 2018): an item
is worth what trusted raters say of it, and a rater is trusted as far as his ratings fit.
Three things are different. The evidence of a rating is a log-likelihood ratio that is
added up, so that few ratings say little. Agreement pays by how unusual the rating is
(Dasgupta and Ghosh, WWW 2013): "fair", which everybody says to everybody, proves little.
And a sitting counts once, as does a rating in doubtful company: what an attacker can do
in one night does not buy the trust of years.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

DAY = 86_400
_USUAL_RATING = 10
_MOST_PAY = 3.0


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings in codes; of several by one rater for one item the last one stands.

    Parameters
    ----------
    who, item
        (m,) int64 codes of raters and items.
    rating
        (m,) float64 in [-1, 1], the worst to the best; not a number is no rating.
    seconds
        (m,) int64; all equal where times are unknown.
    n_who, n_items
        How many of each there are.
    """

    who: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    seconds: np.ndarray
    n_who: int
    n_items: int


@dataclass(frozen=True, slots=True)
class RaterOdds:
    """What came out.

    Parameters
    ----------
    odds
        (n_who,) float64 nats in [-20, 20]: positive means that a rater does not rate as
        honest people do. A ranking by evidence, not a calibrated probability; those who
        rated nothing have the odds of a newcomer.
    trust
        (n_who,) float64 in (0, 1), the weight of a rater's word.
    goodness
        (n_items,) float64 in [-1, 1], what trusted raters say of each item.
    sittings
        (n_who,) float64, how often each rater had a say.
    """

    odds: np.ndarray
    trust: np.ndarray
    goodness: np.ndarray
    sittings: np.ndarray


@dataclass(frozen=True, slots=True)
class RatingRules:
    """What is believed beforehand; none of it is fitted to a truth.

    Parameters
    ----------
    newcomer
        Nats against somebody of whom nothing is known: newcomers hardly vote.
    tolerance
        Distance from the consensus that speaks neither for nor against, on [-1, 1].
    scale
        Distance beyond it that is worth one nat.
    sitting_days
        Ratings within one slot of so many days share the say of one; 0: each has its own.
    company_hours
        Others at an item so close in time are company; 0: company says nothing.
    pay
        False: agreement always pays one nat at most, whatever is usual.
    rounds
        Rounds of judging each other; it settles in about ten.
    """

    newcomer: float = 1.0
    tolerance: float = 0.35
    scale: float = 0.3
    sitting_days: float = 30.0
    company_hours: float = 24.0
    pay: bool = True
    rounds: int = 20


def rater_odds(
    ratings: Ratings, rules: RatingRules | None = None, *, person: np.ndarray | None = None
) -> RaterOdds:
    """Judge raters and items by each other; two sorts, then linear in each round.

    It sees raters who push or smear items against what trusted others find, and groups
    who do so together. It cannot see somebody who rates honestly and cheats elsewhere,
    and no campaign that holds most of the trusted ratings of its targets from the start.

    Parameters
    ----------
    person
        (n_items,) int64 code of the rater that an item is, negative for none, where people
        rate people: then what trusted others say of a rater counts too. Without it the
        ratings that somebody received never touch what is said of him.
    """
    rules = rules or RatingRules()
    table = _Table.of(ratings, rules)
    trust = np.full(ratings.n_who, 0.5)
    odds = np.full(ratings.n_who, rules.newcomer)
    for _ in range(rules.rounds):
        nats = table.disagreement(trust, rules) + table.company(trust)
        odds = rules.newcomer + np.bincount(table.who, table.say * nats, ratings.n_who)
        if person is not None:
            odds += table.reputation(trust, person)
        odds = np.clip(odds, -20.0, 20.0)
        trust = 1.0 / (1.0 + np.exp(odds))
    sittings = np.bincount(table.who, table.say, ratings.n_who)
    return RaterOdds(odds, trust, table.goodness(trust), sittings)


@dataclass(frozen=True)
class _Table:
    """Ratings sorted by item and time, with what does not change between rounds."""

    who: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    say: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    n_who: int
    n_items: int

    @classmethod
    def of(cls, ratings: Ratings, rules: RatingRules) -> _Table:
        kept = lasting(ratings)
        who, item, seconds = ratings.who[kept], ratings.item[kept], ratings.seconds[kept]
        rating = np.clip(ratings.rating[kept], -1.0, 1.0)
        timed = seconds.size > 0 and bool(seconds.min() < seconds.max())
        width = round(rules.company_hours * 3600) if timed else 0
        begin = end = np.arange(who.size)
        if width:
            begin, end = around(item, seconds, width)
        say = _say(who, seconds, rules.sitting_days)
        return cls(who, item, rating, say, begin, end, ratings.n_who, ratings.n_items)

    @cached_property
    def level(self) -> np.ndarray:
        """(m,) int64: which rating it is, among 21 from the worst to the best."""
        steps: np.ndarray = np.rint((self.rating + 1.0) * _USUAL_RATING).astype(np.int64)
        return steps

    def disagreement(self, trust: np.ndarray, rules: RatingRules) -> np.ndarray:
        """Nats by distance from what trusted others say of the same item."""
        vote = trust[self.who]
        mass = np.bincount(self.item, vote, self.n_items)[self.item] - vote
        total = np.bincount(self.item, vote * self.rating, self.n_items)[self.item]
        usual = (vote * self.rating).sum() / max(vote.sum(), 1e-12)
        # One vote for what is usual stands beside the others'.
        consensus = (total - vote * self.rating + usual) / (np.maximum(mass, 0.0) + 1.0)
        nats = np.clip(
            (np.abs(self.rating - consensus) - rules.tolerance) / rules.scale, -1.0, _MOST_PAY
        )
        paid: np.ndarray = np.where(nats < 0, nats * self._pay(vote, rules.pay), nats)
        return paid

    def _pay(self, vote: np.ndarray, unusual: bool) -> np.ndarray | float:
        """Information of each rating, in nats, by how usual it is among the trusted."""
        if not unusual:
            return 1.0
        share = np.bincount(self.level, vote, 2 * _USUAL_RATING + 1) + 0.1
        pay: np.ndarray = np.minimum(-np.log(share / share.sum()), _MOST_PAY)[self.level]
        return pay

    def company(self, trust: np.ndarray) -> np.ndarray:
        """Nats by how many untrusted others came to the item at the same time."""
        if not (self.end > self.begin).any():
            return np.zeros(self.who.size)
        doubt = 1.0 - trust[self.who]
        sums = np.concatenate([[0.0], np.cumsum(doubt)])
        others = np.maximum(sums[self.end] - sums[self.begin] - doubt, 0.0)
        nats: np.ndarray = np.minimum(0.5 * np.log2(1.0 + others), 2.3) - 0.3
        return nats

    def reputation(self, trust: np.ndarray, person: np.ndarray) -> np.ndarray:
        """(n_who,) nats by what trusted others say of the rater itself."""
        about = person[self.item]
        said = (about >= 0) & (about != self.who)
        nats = trust[self.who] * np.clip(-self.rating / 0.3, -1.0, _MOST_PAY)
        total: np.ndarray = np.bincount(about[said], nats[said], self.n_who)
        return total

    def goodness(self, trust: np.ndarray) -> np.ndarray:
        """(n_items,) mean rating by trusted raters, shrunk to 0 by one vote."""
        vote = trust[self.who]
        total = np.bincount(self.item, vote * self.rating, self.n_items)
        mean: np.ndarray = total / (np.bincount(self.item, vote, self.n_items) + 1.0)
        return mean


def lasting(ratings: Ratings) -> np.ndarray:
    """Where the last rating of each pair is, by item and time; those that are none are left out."""
    known = np.flatnonzero(np.isfinite(ratings.rating))
    who, item, seconds = ratings.who[known], ratings.item[known], ratings.seconds[known]
    order = np.lexsort((ratings.rating[known], seconds, who, item))
    pair = np.stack([item[order], who[order]])
    last = np.append((pair[:, 1:] != pair[:, :-1]).any(axis=0), True)[: order.size]
    kept = order[last]
    standing: np.ndarray = known[kept[np.lexsort((who[kept], seconds[kept], item[kept]))]]
    return standing


def around(item: np.ndarray, seconds: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Begin and end of what lies within ``width`` seconds of each rating of the same item.

    Ratings are sorted by item and time.
    """
    step = np.minimum(np.diff(seconds, prepend=0), width + 1)
    axis = np.cumsum(np.where(np.diff(item, prepend=-1) != 0, width + 1, step))
    begin = np.searchsorted(axis, axis - width, side="left")
    return begin, np.searchsorted(axis, axis + width, side="right")


def _say(who: np.ndarray, seconds: np.ndarray, days: float) -> np.ndarray:
    """(m,) share of its sitting's one say that each rating has."""
    if days <= 0 or not who.size:
        return np.ones(who.size)
    slot = (seconds - seconds.min()) // max(round(days * DAY), 1)
    key = slot * np.int64(who.max() + 1) + who
    _, sitting, size = np.unique(key, return_inverse=True, return_counts=True)
    say: np.ndarray = 1.0 / size[sitting]
    return say
