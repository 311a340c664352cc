"""Feature collision: rows with the right label that look like another to a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import (
    canonical,
    need_features,
    numbers,
    pair,
    turned_to,
    with_numbers,
)


@dataclass(frozen=True, slots=True)
class FeatureCollision:
    """Clean-label poison (Shafahi et al. 2018): no label is wrong.

    A base b of the target class is moved to x = argmin ‖f(x) - f(t)‖² + β ‖x - b‖², for
    a victim t of the source class. Where a model is linear in scaled features, those are
    f, and x lies 1 / (1 + β) of the way from b to t; at β = 1 or more it stays nearer to
    what its label says. The bases are of the half nearest to the source. A model that
    learns them takes the victim for the target, and hardly anything else.

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
        Rows of the source that are aimed at, each by its share of the poison.
    beta
        Price of moving away from the base.
    """

    name: ClassVar[str] = "feature_collision"
    accounts: int = 6
    rows: int = 10
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    victims: int = 1
    beta: float = 1.0

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows of the target that collide with victims of the source."""
        corpus = canonical(contributions)
        source, target = pair(corpus, self.source, self.target)
        rest, aims = self.aimed_at(corpus, rng)
        wanted = truly(rest, target) & near_boundary(rest, target, source)
        rest, bases = carve(rest, wanted, self.accounts * self.rows, rng)
        parts = rest, turned_to(self._collided(bases, aims, corpus), target), bases.iloc[:0]
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def aimed_at(
        self, contributions: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Choose the victims, which nobody sends: what is left, and they, to try a model.

        A fresh generator of the same seed gives those that ``apply`` aims at.
        """
        corpus = canonical(contributions)
        need_features(corpus, self.name)
        source, _ = pair(corpus, self.source, self.target)
        return carve(corpus, truly(corpus, source), self.victims, rng)

    def _collided(
        self, bases: pd.DataFrame, aims: pd.DataFrame, corpus: pd.DataFrame
    ) -> pd.DataFrame:
        names = need_features(corpus, self.name)
        own, theirs = numbers(bases, names), numbers(aims, names)
        aim = theirs[np.arange(len(own)) % len(theirs)]
        return with_numbers(bases, own + (aim - own) / (1 + self.beta), corpus)
