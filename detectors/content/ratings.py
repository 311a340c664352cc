"""Ratings: raters judged by each other, and items that are pushed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from detectors.base import Estimator
from detectors.content.pushes import Pushes, pushes
from detectors.content.raters import RaterOdds, RatingRules, Ratings, rater_odds
from detectors.peers import unlike_peers
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_LEVELS = 3
_USED = 0.01
_NUMBERS = 0.9
_LEAST_STEP = 0.3


class RatingsDetector(Estimator):
    """Judge raters by what trusted others say of the same items, and items by their raters.

    Speaks where labels are numbers on a scale and items have several raters. It sees
    raters who smear or push against what others find, alone or together, and profiles
    that agree with everybody about everything but one item that they push (shilling:
    bandwagon, average, segment), once about ten rate it
    within a month. It cannot see
    pushes of items that nobody else rated, campaigns of a handful of accounts, raters who
    earn trust over months first, whoever holds most of the trusted ratings of an item,
    and labels that are names.

    Judges tonight's rows by all ratings of the window, as actors; an account alone counts
    in a push, for actors that are one would have hidden how many they were. A rating that
    is part of a push has the push's nats; the rater's other rows have them less the
    logarithm of his ratings, for who rates much is there by chance.

    Cost: a few sorts, then twenty rounds linear in the rows. Threshold: ``alarm``, for
    the report only. After: Kumar et al., ICDM 2016 and WSDM 2018 (fairness and goodness);
    Mobasher et al., ACM TOIT 7(4), 2007 (profiles).

    Parameters
    ----------
    offset
        Nats taken off a rater's tail probability among raters as active: one in
        exp(``offset``) people is as far out, and nothing is said.
    high
        Nats at which the ratio is clipped; nothing is said for a rater.
    alarm
        Nats from which a row counts as flagged in the report.
    min_ratings
        Ratings below which a rater is not compared with others; pushes count him.
    min_rows, min_contributors
        Ratings of items with several raters, and raters, below which it abstains.
    """

    name: str = "ratings"
    version: str = "1"
    family: str = "contributor"
    heavy: bool = False

    def __init__(
        self,
        *,
        offset: float = 3.0,
        high: float = 5.0,
        alarm: float = 2.0,
        min_ratings: int = 3,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.offset = offset
        self.high = high
        self.alarm = alarm
        self.min_ratings = min_ratings
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge tonight's rows by their raters and by the pushes that they are part of."""
        scale = scale_of(batch)
        if scale is None:
            return Opinion.abstain(self, batch.n_rows, "labels are no scale of three numbers")
        rows = np.flatnonzero(
            np.isfinite(scale[batch.labels]) & batch.rows["item_id"].notna().to_numpy()
        )
        if not self._enough(batch, rows):
            return Opinion.abstain(self, batch.n_rows, "too few items have several raters")
        raters = rater_odds(_ratings(batch, rows, scale, batch.actors))
        alone = _ratings(batch, rows, scale, batch.contributors)
        trust = np.zeros(alone.n_who)
        trust[alone.who] = raters.trust[batch.actors[rows]]
        said = _Said.of(batch, rows, raters, pushes(alone, trust), self)
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(said.nats, self.high),
            said.nats,
            said.nats >= self.alarm,
            said.reasons(),
        )

    def _enough(self, batch: Batch, rows: np.ndarray) -> bool:
        """Tell whether there are raters enough, and ratings beside somebody else's."""
        item = _items(batch, rows)
        pairs = np.unique(np.stack([item, batch.actors[rows].astype(np.int64)]), axis=1)
        raters = np.bincount(pairs[0], minlength=1)
        shared, people = int(raters[raters > 1].sum()), np.unique(pairs[1]).size
        return shared >= self.min_rows and people >= self.min_contributors


def rater_nats(
    raters: RaterOdds, ratings: np.ndarray, *, offset: float = 3.0, min_ratings: int = 3
) -> np.ndarray:
    """Turn a ranking of raters into nats, (n_who,) float64, 0 or more.

    How far a rater stands out among people as active is one bound, the mean nats of a
    sitting beyond a newcomer's the other: somebody who is a little off for years has a
    taste of his own, however much it adds up to.

    Parameters
    ----------
    ratings
        (n_who,) number of ratings of each.
    """
    tail = np.log(10.0) * unlike_peers(
        raters.odds, np.maximum(ratings, 1), ratings >= min_ratings, least=_LEAST_STEP
    )
    each = (raters.odds - RatingRules().newcomer) / np.maximum(raters.sittings, 1.0)
    nats: np.ndarray = np.maximum(np.minimum(tail - offset, each), 0.0)
    return nats


def scale_of(batch: Batch) -> np.ndarray | None:
    """(classes,) rating in [-1, 1] of each label, NaN for words; None where it is no scale.

    The scale ends at the outermost labels that a hundredth of the people use, so that
    nobody stretches it with a number of his own, and a word among the numbers is no way
    to silence the others.
    """
    value = np.array([_number(label) for label in batch.classes], dtype=np.float64)
    n = max(len(batch.contributor_ids), 1)
    people = distinct_pairs(batch.labels, batch.contributors, value.size)
    rows = np.bincount(batch.labels, minlength=value.size)
    used = value[np.isfinite(value) & (people >= max(2, _USED * n))]
    numbers = rows[np.isfinite(value)].sum()
    if np.unique(used).size < _LEVELS or numbers < _NUMBERS * batch.n_rows:
        return None
    low, high = used.min(), used.max()
    scale: np.ndarray = 2.0 * (np.clip(value, low, high) - low) / (high - low) - 1.0
    return scale


def distinct_pairs(left: np.ndarray, right: np.ndarray, n: int) -> np.ndarray:
    """(n,) number of distinct ``right`` codes beside each ``left`` code."""
    if not left.size:
        return np.zeros(n, dtype=np.int64)
    width = np.int64(right.max()) + 1
    pairs = np.unique(left.astype(np.int64) * width + right)
    count: np.ndarray = np.bincount(pairs // width, minlength=n)
    return count


def _number(label: str) -> float:
    try:
        value = float(label)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _items(batch: Batch, rows: np.ndarray) -> np.ndarray:
    items, _ = pd.factorize(batch.rows["item_id"].iloc[rows], sort=True)
    return items.astype(np.int64)


def _ratings(batch: Batch, rows: np.ndarray, scale: np.ndarray, person: np.ndarray) -> Ratings:
    who, item = person[rows].astype(np.int64), _items(batch, rows)
    seconds = batch.times[rows] // 1_000_000 if batch.has_time else np.zeros_like(who)
    sizes = int(who.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1
    return Ratings(who, item, scale[batch.labels[rows]], seconds, *sizes)


@dataclass(frozen=True, slots=True)
class _Said:
    """Nats of every row, from three sides, and what a reason needs.

    ``rater``, ``part`` and ``beside`` are (n,) nats: of the rater, of the push that the row
    is part of, and of a push that the rater is part of with another row.
    """

    rater: np.ndarray
    part: np.ndarray
    beside: np.ndarray
    odds: np.ndarray
    sittings: np.ndarray
    extremes: np.ndarray
    expected: np.ndarray
    high: float

    @classmethod
    def of(
        cls,
        batch: Batch,
        rows: np.ndarray,
        raters: RaterOdds,
        push: Pushes,
        how: RatingsDetector,
    ) -> _Said:
        n_actors = raters.odds.size
        count = np.bincount(batch.actors[rows], minlength=n_actors)
        nats = rater_nats(raters, count, offset=how.offset, min_ratings=how.min_ratings)
        tonight = batch.tonight[rows]

        def spread(values: np.ndarray) -> np.ndarray:
            """Lay values of the rated rows out over all rows; 0 for the others."""
            out = np.zeros(batch.n_rows)
            out[rows] = np.where(tonight, values, 0.0)
            return out

        who = batch.contributors[rows]
        worst = np.zeros(len(batch.contributor_ids))
        np.maximum.at(worst, who[tonight], push.nats[tonight])
        given = np.bincount(who[tonight], minlength=worst.size)
        beside = np.maximum(worst - np.log(np.maximum(given, 1)), 0.0)
        actors = batch.actors[rows]
        return cls(
            spread(nats[actors]),
            spread(push.nats),
            spread(beside[who]),
            spread(raters.odds[actors]),
            spread(raters.sittings[actors]),
            spread(push.extremes),
            spread(push.expected),
            how.high,
        )

    @property
    def nats(self) -> np.ndarray:
        """(n,) the worst of the three."""
        worst = np.maximum(np.maximum(self.rater, self.part), self.beside)
        nats: np.ndarray = np.minimum(worst, self.high)
        return nats

    def reasons(self) -> list[str]:
        """Say of each row with nats which side spoke."""
        nats = np.maximum(np.maximum(self.rater, self.part), self.beside)
        reason = np.full(nats.size, "", dtype=object)
        for row in np.flatnonzero(nats > 0).tolist():
            reason[row] = self._reason(row)
        told: list[str] = reason.tolist()
        return told

    def _reason(self, row: int) -> str:
        if self.part[row] >= max(self.rater[row], self.beside[row]):
            return f"push: n={self.extremes[row]:.0f} expected={self.expected[row]:.2f}"
        if self.rater[row] >= self.beside[row]:
            return f"rater: odds={self.odds[row]:.1f} sittings={self.sittings[row]:.1f}"
        return "push: another rating of the rater is part of one"
