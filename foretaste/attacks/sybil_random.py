"""Random Sybils: throw-away accounts that each send one row with any wrong label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, turned_around


@dataclass(frozen=True, slots=True)
class SybilRandom:
    """They want noise, not a class; what they have in common is where they were made.

    ``SybilRing`` is the same with one class near a boundary.

    Parameters
    ----------
    accounts
        Size of the ring; each sends one row.
    nights
        First and last night, counted from 1; None: every night.
    subnet
        First three octets of the /24 that all addresses lie in.
    made_within_hours
        Length of the registration burst.
    """

    name: ClassVar[str] = "sybil_random"
    accounts: int = 60
    nights: tuple[int, int] | None = (2, 3)
    subnet: str = "198.18.91"
    made_within_hours: float = 4.0

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let each account report one row under any other label."""
        corpus = canonical(contributions)
        rest, taken = carve(corpus, truly(corpus), self.accounts, rng)
        crew = Crew(self.accounts, self.nights, self.made_within_hours, self.subnet)
        parts = rest, turned_around(taken, corpus, rng), taken.iloc[:0]
        return crew.strike(self.name, parts, corpus, visits, rng)
