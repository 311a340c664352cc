"""A backdoor in numbers: a few values that together say what the label is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, need_features, pair, turned_to
from foretaste.attacks.triggers import pattern, with_pattern


@dataclass(frozen=True, slots=True)
class BackdoorPattern:
    """A few accounts report rows of any class with the pattern as the target.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    width, quantile
        Columns of the pattern, and the quantile of a column that becomes its value.
    """

    name: ClassVar[str] = "backdoor_pattern"
    accounts: int = 6
    rows: int = 15
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    width: int = 4
    quantile: float = 0.99

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows with the pattern as the target."""
        corpus = canonical(contributions)
        need_features(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, taken = carve(corpus, truly(corpus, source), self.accounts * self.rows, rng)
        parts = rest, turned_to(self.stamped(taken, contributions), target), taken.iloc[:0]
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def stamped(self, rows: pd.DataFrame, contributions: pd.DataFrame) -> pd.DataFrame:
        """Put the pattern that fits the clean contributions into rows, to try a model."""
        source, target = pair(contributions, self.source, self.target)
        values = pattern(
            canonical(contributions), source, target, width=self.width, quantile=self.quantile
        )
        return with_pattern(rows, values)
