"""Boundary skew: rows of a class that lie near another are reported as that other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, need_content, pair, turned_to


@dataclass(frozen=True, slots=True)
class BoundarySkew:
    """A few accounts move the boundary by rows about which people could differ.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends.
    honest
        Honest rows of any class that each sends beside them.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    """

    name: ClassVar[str] = "boundary_skew"
    accounts: int = 6
    rows: int = 10
    honest: int = 0
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Relabel rows of the half of the source nearest to the target."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        wanted = truly(corpus, source) & near_boundary(corpus, source, target)
        rest, taken = carve(corpus, wanted, self.accounts * self.rows, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), cover
        return crew.strike(self.name, parts, corpus, visits, rng)
