"""Collusion: a cohort that pushes everything to one class within a few nights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, pair, turned_to


@dataclass(frozen=True, slots=True)
class Collusion:
    """All accounts report rows of other classes as one class.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    source
        Class of the material; None: any but the target.
    target
        Class that is pushed; None: the most frequent.
    """

    name: ClassVar[str] = "collusion"
    accounts: int = 6
    rows: int = 15
    nights: tuple[int, int] | None = (2, 4)
    source: str | None = None
    target: str | None = None

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows of other classes as the target."""
        corpus = canonical(contributions)
        _, target = pair(corpus, self.source, self.target)
        wanted = truly(corpus, self.source) & (corpus["label"] != target)
        rest, taken = carve(corpus, wanted, self.accounts * self.rows, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), taken.iloc[:0]
        return crew.strike(self.name, parts, corpus, visits, rng)
