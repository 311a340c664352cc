"""Feature outliers: a few far values under any wrong label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import (
    canonical,
    need_features,
    numbers,
    turned_around,
    with_numbers,
)


@dataclass(frozen=True, slots=True)
class FeatureOutliers:
    """Rows with a few values far outside, to drag scales and models along.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    share
        Share of a row's values that are far out; at least one is.
    spreads
        Least and greatest distance from the mean, in standard deviations.
    """

    name: ClassVar[str] = "feature_outliers"
    accounts: int = 6
    rows: int = 15
    nights: tuple[int, int] | None = None
    share: float = 0.1
    spreads: tuple[float, float] = (6.0, 12.0)

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows with far values under any other label."""
        corpus = canonical(contributions)
        need_features(corpus, self.name)
        rest, taken = carve(corpus, truly(corpus), self.accounts * self.rows, rng)
        far = with_numbers(taken, self._far(taken, corpus, rng), corpus, bounded=False)
        parts = rest, turned_around(far, corpus, rng), taken.iloc[:0]
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def _far(
        self, rows: pd.DataFrame, corpus: pd.DataFrame, rng: np.random.Generator
    ) -> np.ndarray:
        names = need_features(corpus, self.name)
        every, own = numbers(corpus, names), numbers(rows, names)
        chance = rng.random(own.shape)
        hit = (chance < self.share) | (chance == chance.min(axis=1, keepdims=True))
        spread = np.where(every.std(axis=0) > 0, every.std(axis=0), 1.0)
        away = rng.uniform(*self.spreads, size=own.shape) * rng.choice([-1, 1], size=own.shape)
        far: np.ndarray = np.where(hit, every.mean(axis=0) + away * spread, own)
        return far
