"""Feature collision: rows with the right label that look like others to a model."""

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
    pair,
    turned_to,
    with_numbers,
)
from foretaste.attacks.surrogate import subspace


@dataclass(frozen=True, slots=True)
class FeatureCollision:
    """Clean-label poison (Shafahi et al. 2018): no label is wrong.

    A base b of the target class is moved to x = argmin ‖f(x) - f(t)‖² + β ‖x - b‖², for
    a victim t of the source class. For f the orthogonal projection on what a linear
    surrogate looks at, x is b with its part there moved 1 / (1 + β) of the way to t; what
    the model does not look at stays the base's. Rows like the victim are then taken for
    the target.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the victims, and class of the bases, whose label stays; None: the two
        most frequent, the most frequent as target.
    victims
        Rows of the source that are aimed at, apart from all that is sent.
    beta
        Price of moving away from the base.
    """

    name: ClassVar[str] = "feature_collision"
    accounts: int = 6
    rows: int = 10
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    victims: int = 3
    beta: float = 0.25

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows of the target that collide with victims of the source."""
        corpus = canonical(contributions)
        need_features(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, aims = carve(corpus, truly(corpus, source), self.victims, rng)
        rest, bases = carve(rest, truly(rest, target), self.accounts * self.rows, rng)
        collided = turned_to(self._collided(bases, aims, corpus, rng), target)
        parts = rest, collided, bases.iloc[:0]
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def _collided(
        self,
        bases: pd.DataFrame,
        aims: pd.DataFrame,
        corpus: pd.DataFrame,
        rng: np.random.Generator,
    ) -> pd.DataFrame:
        names = need_features(corpus, self.name)
        every = numbers(corpus, names)
        centre, spread = every.mean(axis=0), every.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        x, b, t = ((numbers(r, names) - centre) / spread for r in (corpus, bases, aims))
        seen = subspace(x, corpus["label"], rng)
        gap = t @ seen.T - (b @ seen.T)[:, None, :]
        nearest = (gap**2).sum(axis=2).argmin(axis=1)
        moved = b + gap[np.arange(len(b)), nearest] @ seen / (1 + self.beta)
        return with_numbers(bases, moved * spread + centre, corpus)
