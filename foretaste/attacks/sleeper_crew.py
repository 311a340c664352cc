"""Sleeper crew: new accounts that earn a good name, and then push one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, pair, turned_to
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class SleeperCrew:
    """Honest rows of all classes on most nights, and poison on the last ones only.

    ``LabelFlipSleeper`` turns accounts of the crowd instead; these were made for it.

    Parameters
    ----------
    accounts, rows, honest
        How many accounts, how many poisoned rows each sends once awake, and how many
        honest ones before.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    awake
        Share, in (0, 1), of the nights that come after waking; at least one night does.
    """

    name: ClassVar[str] = "sleeper_crew"
    accounts: int = 6
    rows: int = 10
    honest: int = 20
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    awake: float = 0.3

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Send honest rows until the crew wakes, and flipped ones afterwards."""
        corpus = canonical(contributions)
        source, target = pair(corpus, self.source, self.target)
        crew, bad, good = Crew(self.accounts, self.nights), self.rows, self.honest
        first, end = crew.window(corpus)
        wakes = end - max(1, round(self.awake * (end - first)))
        if wakes <= first:
            raise ContractError(
                f"sleepers need a night to sleep and one to wake, and there are {end - first}",
                hint="give more nights, or let them wake later",
            )
        rest, taken = carve(corpus, truly(corpus, source), self.accounts * bad, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * good, rng)
        awake = rng.integers(wakes, end, size=len(taken))
        asleep = rng.integers(first, wakes, size=len(cover))
        parts, night = (rest, turned_to(taken, target), cover), np.concatenate([awake, asleep])
        return crew.strike(self.name, parts, corpus, visits, rng, night=night)
