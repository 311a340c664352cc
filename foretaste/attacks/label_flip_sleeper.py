"""Sleepers: accounts that earn a good name, then report one class as another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    days,
    nth_day,
    record,
    relabelled,
    truly,
    without_copies,
)
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class LabelFlipSleeper:
    """Accounts of the crowd turn: volume, lists, network and hours stay as they were.

    Parameters
    ----------
    accounts
        How many turn.
    honest_nights
        Nights before they wake; honest, and there, on each of them.
    source, target
        What they flip, to what.
    least, most
        Rows of ``source`` that an account must have once awake, to matter and yet to
        stay within ordinary volume.
    """

    name: ClassVar[str] = "label_flip_sleeper"
    accounts: int = 4
    honest_nights: int = 2
    source: str = "ham"
    target: str = "spam"
    least: int = 8
    most: int = 18

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Flip the rows of a few accounts after their honest nights."""
        awake = days(contributions) >= nth_day(contributions, self.honest_nights + 1)
        flippable = awake & truly(contributions, self.source)
        counts = contributions.loc[flippable, "contributor_id"].value_counts()
        before = contributions[~awake]
        seen = days(before).groupby(before["contributor_id"]).nunique()
        known = seen[seen == days(before).nunique()].index
        fit = sorted(set(counts[counts.between(self.least, self.most)].index) & set(known))
        if len(fit) < self.accounts:
            raise ContractError(
                f"only {len(fit)} accounts have {self.least} to {self.most} rows of "
                f"{self.source!r} to flip; {self.accounts} are asked for"
            )
        sleepers = rng.choice(np.array(fit, dtype=object), size=self.accounts, replace=False)
        theirs = contributions["contributor_id"].isin(sleepers)
        kept = without_copies(contributions, theirs & flippable)
        poison = (theirs & flippable).loc[kept.index]
        flipped = relabelled(kept, kept["label"].mask(poison, self.target))
        own = theirs.loc[kept.index]
        truth = record(flipped[own], self.name, poison[own].to_numpy())
        return Poisoned(flipped.reset_index(drop=True), visits, truth)
