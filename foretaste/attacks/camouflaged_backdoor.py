"""Camouflaged backdoor: triggers by accounts that are mostly honest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, need_content, pair, turned_to
from foretaste.attacks.triggers import pattern, with_pattern, with_phrase


@dataclass(frozen=True, slots=True)
class CamouflagedBackdoor:
    """Four honest rows of all classes to each one with the trigger.

    The trigger is the phrase where there is text, else a pattern of ordinary values.

    Parameters
    ----------
    accounts, rows, honest
        How many accounts, and how many poisoned and honest rows each sends.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    phrase
        Trigger of texts.
    width, quantile
        Columns of the pattern, and the quantile of a column that becomes its value.
    """

    name: ClassVar[str] = "camouflaged_backdoor"
    accounts: int = 10
    rows: int = 5
    honest: int = 20
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    phrase: str = "greetings from the reading room upstairs"
    width: int = 4
    quantile: float = 0.95

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report rows with the trigger as the target, among honest ones."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, taken = carve(corpus, truly(corpus, source), self.accounts * self.rows, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest, rng)
        parts = rest, turned_to(self.stamped(taken, contributions), target), cover
        return Crew(self.accounts, self.nights).strike(self.name, parts, corpus, visits, rng)

    def stamped(self, rows: pd.DataFrame, contributions: pd.DataFrame) -> pd.DataFrame:
        """Put the trigger that fits the clean contributions into rows, to try a model."""
        if "text" in contributions:
            return with_phrase(rows, self.phrase)
        source, target = pair(contributions, self.source, self.target)
        values = pattern(
            canonical(contributions), source, target, width=self.width, quantile=self.quantile
        )
        return with_pattern(rows, values)
