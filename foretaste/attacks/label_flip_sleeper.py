"""Sleepers: accounts that earn a good name, then report one class as another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    days,
    in_time,
    nth_day,
    record,
    relabelled,
    truly,
    without_copies,
)
from foretaste.attacks.material import pair
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class LabelFlipSleeper:
    """Accounts of the crowd turn: volume, lists, network and hours stay as they were.

    Parameters
    ----------
    accounts
        How many turn.
    honest_nights
        Nights before they wake. Of the accounts that have enough to flip later, those turn
        that were there on most of these nights, and on one at least.
    source, target
        What they flip, to what; None: the two most frequent, to the most frequent.
    least, most
        Rows of ``source`` that an account must have once awake, to matter and yet to
        stay within ordinary volume.
    """

    name: ClassVar[str] = "label_flip_sleeper"
    accounts: int = 4
    honest_nights: int = 2
    source: str | None = None
    target: str | None = None
    least: int = 8
    most: int = 18

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Flip the rows of a few accounts after their honest nights."""
        corpus = in_time(contributions)
        source, target = pair(corpus, self.source, self.target)
        awake = days(corpus) >= nth_day(corpus, self.honest_nights + 1)
        flippable = awake & truly(corpus, source)
        fit = self._known(corpus, awake, flippable, source)
        sleepers = rng.choice(np.array(fit, dtype=object), size=self.accounts, replace=False)
        theirs = corpus["contributor_id"].isin(sleepers)
        kept = without_copies(corpus, theirs & flippable)
        poison = (theirs & flippable).loc[kept.index]
        flipped = relabelled(kept, kept["label"].mask(poison, target))
        own = theirs.loc[kept.index]
        truth = record(flipped[own], self.name, poison[own].to_numpy())
        return Poisoned(flipped.reset_index(drop=True), visits, truth)

    def _known(
        self, corpus: pd.DataFrame, awake: pd.Series, flippable: pd.Series, source: str
    ) -> list[object]:
        """Accounts with enough to flip that were there on most of the honest nights."""
        counts = corpus.loc[flippable, "contributor_id"].value_counts()
        counts = counts[counts.between(self.least, self.most)]
        before = corpus[~awake]
        seen = days(before).groupby(before["contributor_id"]).nunique()
        seen = seen[seen.index.isin(counts.index)]
        if len(seen) < self.accounts:
            raise ContractError(
                f"only {len(seen)} accounts were there in the first {self.honest_nights} nights "
                f"and have {self.least} to {self.most} rows of {source!r} to flip afterwards; "
                f"{self.accounts} are asked for",
                hint="ask for fewer accounts, fewer rows of each, or another number of nights",
            )
        return sorted(seen[seen >= seen.nlargest(self.accounts).min()].index)
