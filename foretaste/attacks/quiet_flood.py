"""Quiet flood: near-copies, no account twice, none of them new (adaptive)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, near_copies, need_content, pair, turned_to


@dataclass(frozen=True, slots=True)
class QuietFlood:
    """Looks like people who report the same thing once each.

    Whoever looks for floods by copies an account, or by copies from new accounts, sees
    nothing: every account sends each seed once, and enough rows to be no newcomer.

    Parameters
    ----------
    accounts
        How many there are; each sends every seed once.
    seeds
        Distinct rows that nobody else has.
    honest
        Honest rows of each account.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    change
        Share of words that a copy lacks, and of a feature's spread that it moves by.
    """

    name: ClassVar[str] = "quiet_flood"
    accounts: int = 20
    seeds: int = 4
    honest: int = 4
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    change: float = 0.05

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let every account send one near-copy of each seed."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, taken = carve(corpus, truly(corpus, source), self.seeds, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest, rng)
        copies = taken.loc[np.repeat(taken.index, self.accounts)].reset_index(drop=True)
        copies = near_copies(turned_to(copies, target), corpus, self.change, rng)
        # Copies stand seed by seed, so that dealing them out gives nobody two of one seed.
        crew = Crew(self.accounts, self.nights)
        return crew.strike(self.name, (rest, copies, cover), corpus, visits, rng)
