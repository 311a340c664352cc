"""Ratings: raters judged by each other, and items that are pushed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from detectors.base import Estimator
from detectors.content.pushes import Pushes, PushRules, pushes
from detectors.content.raters import RaterOdds, RatingRules, Ratings, rater_odds
from detectors.content.rating_scale import people_of, scale_of
from detectors.peers import unlike_peers
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

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
    logarithm of his extreme ratings, for who rates much is there by chance.

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
        rated = np.isfinite(scale[batch.labels]) & batch.rows["item_id"].notna().to_numpy()
        rows = np.flatnonzero(rated)
        alone = _by_account(batch, rows, scale)
        if not self._enough(alone, batch.actors[rows]):
            return Opinion.abstain(self, batch.n_rows, "too few items have several raters")
        who = batch.actors[rows].astype(np.int64)
        raters = rater_odds(replace(alone, who=who, n_who=int(who.max()) + 1))
        trust = np.zeros(alone.n_who)
        trust[alone.who] = raters.trust[who]
        said = _Said.of(batch, rows, alone, raters, pushes(alone, trust), self)
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(said.nats, self.high),
            said.nats,
            said.nats >= self.alarm,
            said.reasons(),
        )

    def _enough(self, ratings: Ratings, who: np.ndarray) -> bool:
        """Tell whether there are raters enough, and ratings beside somebody else's."""
        raters = people_of(ratings.item, who, ratings.n_items)
        shared, people = int(raters[raters > 1].sum()), np.unique(who).size
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


def _by_account(batch: Batch, rows: np.ndarray, scale: np.ndarray) -> Ratings:
    items, names = pd.factorize(batch.rows["item_id"].iloc[rows])
    # Codes in the order of the rows, which is the same however they came: sorted by id.
    item, who = items.astype(np.int64), batch.contributors[rows].astype(np.int64)
    seconds = batch.times[rows] // 1_000_000 if batch.has_time else np.zeros_like(who)
    rating = scale[batch.labels[rows]]
    return Ratings(who, item, rating, seconds, len(batch.contributor_ids), len(names))


def _beside(ratings: Ratings, push: Pushes, tonight: np.ndarray) -> np.ndarray:
    """Nats for each rating by the worst push of its rater tonight, less ln of his tries."""
    worst = np.zeros(ratings.n_who)
    np.maximum.at(worst, ratings.who[tonight], push.nats[tonight])
    tries = tonight & (np.abs(ratings.rating) >= PushRules().extreme)
    tried = np.bincount(ratings.who, tries, ratings.n_who)
    beside: np.ndarray = np.maximum(worst - np.log(np.maximum(tried, 1.0)), 0.0)[ratings.who]
    return beside


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
        alone: Ratings,
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

        beside = _beside(alone, push, tonight)
        actors = batch.actors[rows]
        return cls(
            spread(nats[actors]),
            spread(push.nats),
            spread(beside),
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
