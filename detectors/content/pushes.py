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
    windows = [told.window(max(round(days * DAY), 1)) for days in sorted(rules.days)]
    known = told.total(np.ones(kept.size)) > windows[-1].end - windows[-1].begin
    for window in windows:
        for side in (1.0, -1.0):
            _keep_best(found, kept, told.judge(window, side, known, rules))
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
class _Window:
    """What lies about each rating: of its item from begin to end, and of all items how many."""

    begin: np.ndarray
    end: np.ndarray
    now: np.ndarray

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum the values of the same item about each rating."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        inside: np.ndarray = sums[self.end] - sums[self.begin]
        return inside


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

    def window(self, width: int) -> _Window:
        """Find what lies within so many seconds of each rating."""
        begin, end = around(self.item, self.seconds, width)
        moment, of = np.unique(self.seconds, return_inverse=True)
        now = np.searchsorted(self.clock, moment + width, side="right")
        now -= np.searchsorted(self.clock, moment - width, side="left")
        return _Window(begin, end, now[of])

    def judge(self, window: _Window, side: float, known: np.ndarray, rules: PushRules) -> Pushes:
        """Nats of each rating for one time scale and one end of the scale.

        ``known`` are ratings of items that were rated outside the longest time as well.
        """
        extreme = self.rating * side >= rules.extreme
        many = window.sum(extreme)
        judged = extreme & (many >= rules.least) & known
        rest = self.total(np.ones(extreme.size)) - (window.end - window.begin)
        like = self.total(extreme) - many
        share = np.clip(extreme.mean(), 0.01, 0.99)
        a = rules.strength * share + like
        b = rules.strength * (1.0 - share) + rest - like
        new = np.maximum(window.sum(self.doubt * extreme), 0.0)
        mixed = np.maximum(window.sum(self.doubt * ~extreme), 0.0)
        # As many as the item would get if it were rated then as everything is.
        usual = (rest + 0.5) * window.now / np.maximum(extreme.size - window.now, 1)
        nats = np.zeros(extreme.size)
        nats[judged] = _purity(new[judged], mixed[judged], a[judged], b[judged], rules.pure)
        # More ratings than ever are no push by themselves: what one hears of is rated.
        surge = np.clip(np.log((new + mixed + 1e-9) / (usual + 1.0)), 0.0, rules.most_surge)
        nats += np.minimum(surge, np.maximum(nats, 0.0))
        nats -= np.log(max(np.unique(self.item[judged]).size, 1))
        expected = np.maximum(usual * a / (a + b), 0.05)
        nats = np.minimum(nats, np.log(np.maximum(many, 1.0) / expected))
        return Pushes(np.where(judged, np.maximum(nats, 0.0), 0.0), many, expected)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum the values of all ratings of the same item."""
        total: np.ndarray = np.bincount(self.item, values, self.n_items)[self.item]
        return total


def _purity(
    extreme: np.ndarray, mixed: np.ndarray, a: np.ndarray, b: np.ndarray, pure: float
) -> np.ndarray:
    """Nats for ratings that are nearly all extreme against those of an item of a, b before."""
    from scipy.special import betaln

    pushed = extreme * np.log(pure) + mixed * np.log(1.0 - pure)
    nats: np.ndarray = pushed - betaln(a + extreme, b + mixed) + betaln(a, b)
    return nats
