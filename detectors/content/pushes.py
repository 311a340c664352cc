"""Items that are pushed or smeared: suddenly many extreme ratings, all to one side.

A shilling profile rates one item at the end of the scale and hides behind filler that
agrees with everybody (Mobasher, Burke, Bhaumik, Williams: ACM TOIT 7(4), 2007): judged by
its own ratings it is honest. The item shows what the profiles have in common: ratings of
a short time that are more extreme than the item's others, from raters whom nothing is
known of, and more of them than the item ever had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.content.raters import DAY, Ratings, around, lasting


@dataclass(frozen=True, slots=True)
class PushRules:
    """What is believed beforehand; none of it is fitted to a truth.

    Parameters
    ----------
    days
        Ratings of an item so many days before and after one another are judged together.
    extreme
        Distance from the middle of the scale, on [0, 1], from which a rating is extreme.
    pure
        Share of a pushed item's new ratings that are extreme; a success has fewer.
    strength
        Ratings that what is usual of items is worth beside the item's own.
    most_surge
        Most nats that a surge of ratings adds: the news may be good.
    most_record
        Most nats that a rater's good record takes off: honest people come in waves too.
    least
        Extreme ratings below which nothing is a push.
    """

    days: tuple[float, ...] = (1.0, 7.0, 30.0)
    extreme: float = 0.75
    pure: float = 0.95
    strength: float = 4.0
    most_surge: float = 4.0
    most_record: float = 4.0
    least: int = 3


@dataclass(frozen=True, slots=True)
class Pushes:
    """What is said of each rating, (m,) in the order of the ratings given.

    Parameters
    ----------
    nats
        float64, 0 or more: log-likelihood ratio that it is part of a push. At most what
        the usual number of such ratings leaves: some come by chance at the same time.
    extremes
        float64, extreme ratings of the item about that time, to the same side.
    expected
        float64, how many of them were to be expected.
    """

    nats: np.ndarray
    extremes: np.ndarray
    expected: np.ndarray


def pushes(ratings: Ratings, trust: np.ndarray, rules: PushRules = PushRules()) -> Pushes:
    """Judge every rating by the others of its item; a few sorts, else linear.

    It sees items that were quiet, or were rated otherwise, and now get ratings at one end
    of the scale from raters without a name, up or down. It cannot see items that have no
    other ratings, fewer ratings than ``least``, raters who earned trust first, and pushes
    slower than the longest time. New items with enthusiasts are let pass.

    Parameters
    ----------
    trust
        (n_who,) float64 in [0, 1]: trusted raters are no part of it.
    """
    found = Pushes(*(np.zeros(ratings.who.size) for _ in range(3)))
    kept = lasting(ratings)
    seconds = ratings.seconds[kept]
    if not kept.size or seconds.min() == seconds.max():
        return found
    told = _Items.of(ratings, kept, 1.0 - trust)
    for days in rules.days:
        width = max(round(days * DAY), 1)
        for side in (1.0, -1.0):
            _keep_best(found, kept, told.judge(width, side, rules))
    sure = np.clip(trust[ratings.who], 1e-9, 1.0 - 1e-9)
    record = np.clip(np.log(sure / (1.0 - sure)), 0.0, rules.most_record)
    return replace(found, nats=np.maximum(found.nats - record, 0.0))


def _keep_best(best: Pushes, at: np.ndarray, new: Pushes) -> None:
    better = new.nats > best.nats[at]
    where = at[better]
    best.nats[where] = new.nats[better]
    best.extremes[where] = new.extremes[better]
    best.expected[where] = new.expected[better]


@dataclass(frozen=True, slots=True)
class _Items:
    """Ratings that stand, by item and time, and the doubt of who gave them."""

    item: np.ndarray
    rating: np.ndarray
    seconds: np.ndarray
    doubt: np.ndarray
    n_items: int
    clock: np.ndarray

    @classmethod
    def of(cls, ratings: Ratings, kept: np.ndarray, doubt: np.ndarray) -> _Items:
        seconds = ratings.seconds[kept]
        return cls(
            ratings.item[kept],
            np.clip(ratings.rating[kept], -1.0, 1.0),
            seconds,
            doubt[ratings.who[kept]],
            ratings.n_items,
            np.sort(seconds),
        )

    def judge(self, width: int, side: float, rules: PushRules) -> Pushes:
        """Nats of each rating for one time scale and one end of the scale."""
        begin, end = around(self.item, self.seconds, width)
        extreme = self.rating * side >= rules.extreme
        everyone = np.ones(extreme.size)
        many, of = _inside(extreme, begin, end), _inside(everyone, begin, end)
        rest, pure_rest = self._total(everyone) - of, self._total(extreme) - many
        new = _inside(self.doubt * extreme, begin, end)
        mixed = _inside(self.doubt * ~extreme, begin, end)
        share = np.clip(extreme.mean(), 0.01, 0.99)
        a = rules.strength * share + pure_rest
        b = rules.strength * (1.0 - share) + rest - pure_rest
        usual = self._usual(rest, width)
        nats = _purity(new, mixed, a, b, rules.pure)
        # More ratings than ever are no push by themselves: what one hears of is rated.
        surge = np.clip(np.log((new + mixed + 1e-9) / (usual + 1.0)), 0.0, rules.most_surge)
        nats += np.minimum(surge, np.maximum(nats, 0.0))
        judged = extreme & (many >= rules.least) & self._known(rules)
        nats -= np.log(max(np.unique(self.item[judged]).size, 1))
        expected = np.maximum(usual * a / (a + b), 0.05)
        nats = np.minimum(nats, np.log(np.maximum(many, 1.0) / expected))
        return Pushes(np.where(judged, np.maximum(nats, 0.0), 0.0), many, expected)

    def _known(self, rules: PushRules) -> np.ndarray:
        """(m,) bool: the item was rated before or after the longest time about the rating."""
        begin, end = around(self.item, self.seconds, round(max(rules.days) * DAY))
        known: np.ndarray = np.bincount(self.item, minlength=self.n_items)[self.item] > end - begin
        return known

    def _usual(self, rest: np.ndarray, width: int) -> np.ndarray:
        """Ratings that the item would get about that time, as everything is rated then."""
        now = np.searchsorted(self.clock, self.seconds + width, side="right")
        now -= np.searchsorted(self.clock, self.seconds - width, side="left")
        usual: np.ndarray = (rest + 0.5) * now / np.maximum(self.clock.size - now, 1)
        return usual

    def _total(self, values: np.ndarray) -> np.ndarray:
        total: np.ndarray = np.bincount(self.item, values, self.n_items)[self.item]
        return total


def _inside(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    inside: np.ndarray = sums[end] - sums[begin]
    return inside


def _purity(
    extreme: np.ndarray, mixed: np.ndarray, a: np.ndarray, b: np.ndarray, pure: float
) -> np.ndarray:
    """Nats for ratings that are nearly all extreme against those of an item of a, b before."""
    from scipy.special import betaln

    pushed = extreme * np.log(pure) + mixed * np.log(1.0 - pure)
    nats: np.ndarray = pushed - betaln(a + extreme, b + mixed) + betaln(a, b)
    return nats
