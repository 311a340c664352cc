"""Scattered Sybils: one row an account, and nothing that ties the accounts (adaptive)."""

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
class SybilScattered:
    """A ring whose owner knows how rings are found, and pays for networks and patience.

    Every account has a network of its own, is as old as somebody of the crowd and reports
    on any night. Grouping cannot find it; the question is how many it takes.

    Parameters
    ----------
    accounts
        Size of the ring; each sends one row.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    """

    name: ClassVar[str] = "sybil_scattered"
    accounts: int = 60
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let each account push one row over the boundary."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        wanted = truly(corpus, source) & near_boundary(corpus, source, target)
        rest, taken = carve(corpus, wanted, self.accounts, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), taken.iloc[:0]
        return crew.strike(self.name, parts, corpus, visits, rng)
