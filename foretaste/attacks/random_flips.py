"""Random flips: accounts that send any label but the right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    in_time,
    record,
    relabelled,
    truly,
    without_copies,
)
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class RandomFlips:
    """Vandals: accounts of the crowd flip a share of their rows to random other labels.

    Parameters
    ----------
    accounts
        How many flip; each has at least ``least`` rows.
    share
        Probability in (0, 1] that one of their rows is flipped.
    least
        Fewest rows of a vandal.
    """

    name: ClassVar[str] = "random_flips"
    accounts: int = 5
    share: float = 0.8
    least: int = 10

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Flip a share of the rows of a few accounts."""
        corpus = in_time(contributions)
        counts = corpus["contributor_id"].value_counts()
        fit = np.array(sorted(counts[counts >= self.least].index), dtype=object)
        classes = np.array(sorted(corpus["label"].unique()), dtype=object)
        if len(fit) < self.accounts or len(classes) < 2:
            raise ContractError(
                f"random flips need {self.accounts} accounts of {self.least} rows and two labels",
                hint="ask for fewer accounts or fewer rows of each",
            )
        vandals = rng.choice(fit, size=self.accounts, replace=False)
        theirs = corpus["contributor_id"].isin(vandals)
        poison = theirs & truly(corpus) & (rng.random(len(corpus)) < self.share)
        kept = without_copies(corpus, poison)
        poison, theirs = poison.loc[kept.index], theirs.loc[kept.index]
        code = np.searchsorted(classes, kept["label"].to_numpy(object))
        step = rng.integers(1, len(classes), size=len(kept))
        other = pd.Series(classes[(code + step) % len(classes)], index=kept.index)
        flipped = relabelled(kept, kept["label"].mask(poison, other))
        truth = record(flipped[theirs], self.name, poison[theirs].to_numpy())
        return Poisoned(flipped.reset_index(drop=True), visits, truth)
