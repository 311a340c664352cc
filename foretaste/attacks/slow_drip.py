"""Slow drip: a few wrong rows a night, every night, among honest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, turned_around, turned_to


@dataclass(frozen=True, slots=True)
class SlowDrip:
    """No night holds enough to be noticed.

    Parameters
    ----------
    accounts
        How many accounts share the work.
    rows, honest
        Poisoned rows of all accounts together each night, and honest ones to each of them.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material, and the label it gets; None: any, and any other.
    """

    name: ClassVar[str] = "slow_drip"
    accounts: int = 3
    rows: int = 4
    honest: int = 2
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Send a few flipped rows on each night."""
        corpus = canonical(contributions)
        crew = Crew(self.accounts, self.nights)
        nights = np.repeat(np.arange(*crew.window(corpus)), self.rows)
        wanted = truly(corpus, self.source) & (corpus["label"] != self.target)
        rest, taken = carve(corpus, wanted, nights.size, rng)
        rest, cover = carve(rest, truly(rest), nights.size * self.honest, rng)
        flipped = (
            turned_around(taken, corpus, rng)
            if self.target is None
            else turned_to(taken, self.target)
        )
        when = np.concatenate([nights, np.repeat(nights, self.honest)])
        return crew.strike(self.name, (rest, flipped, cover), corpus, visits, rng, night=when)
