"""A flood: a few rows, nearly copied again and again under the wrong label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import (
    Poisoned,
    carve,
    fresh_ids,
    joined,
    moments,
    nth_day,
    record,
    relabelled,
    truly,
)
from foretaste.core.contract import FEATURE_PREFIX


@dataclass(frozen=True, slots=True)
class DuplicateFlood:
    """One or two accounts drown a corner of the space in near-copies.

    Parameters
    ----------
    accounts
        How many share the work.
    seeds, copies
        Distinct rows that nobody else has, and near-copies sent of each.
    source, target
        Class of the seeds, and the label that the copies carry.
    night
        Night of the flood, counted from 1.
    dropped_words
        Share of a text's words that each copy lacks; features move by this share of
        their spread.
    """

    name: ClassVar[str] = "duplicate_flood"
    accounts: int = 2
    seeds: int = 5
    copies: int = 24
    source: str = "spam"
    target: str = "ham"
    night: int = 3
    dropped_words: float = 0.05

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Send near-copies of a few rows, all with the target label."""
        rest, taken = carve(contributions, truly(contributions, self.source), self.seeds, rng)
        rows = pd.concat([taken] * self.copies, ignore_index=True)
        rows = relabelled(rows, pd.Series(self.target, index=rows.index))
        n = len(rows)
        names = fresh_ids(rng, "u", self.accounts, contributions["contributor_id"].tolist())
        account = rng.permutation(np.arange(n) % self.accounts)
        rows["contributor_id"] = np.array(names, dtype=object)[account]
        rows["contribution_id"] = fresh_ids(rng, "c", n, contributions["contribution_id"].tolist())
        rows["contributed_at"] = moments(contributions, nth_day(contributions, self.night), n, rng)
        rows = self._varied(rows, contributions, rng)
        for column in (c for c in ("ip", "tier", "registered_at") if c in rows):
            rows[column] = taken[column].iloc[account % self.seeds].to_numpy()
        return joined(rest, rows, visits, record(rows, self.name, np.ones(n, dtype=bool)))

    def _varied(
        self, rows: pd.DataFrame, contributions: pd.DataFrame, rng: np.random.Generator
    ) -> pd.DataFrame:
        if "text" in rows:
            rows["text"] = [self._thinned(text, rng) for text in rows["text"]]
        for name in (c for c in rows if str(c).startswith(FEATURE_PREFIX)):
            spread = float(contributions[name].std()) * self.dropped_words
            rows[name] = rows[name] + rng.normal(0.0, spread, size=len(rows))
        return rows

    def _thinned(self, text: str, rng: np.random.Generator) -> str:
        words = text.split(" ")
        kept = rng.random(len(words)) >= self.dropped_words
        return " ".join(word for word, keep in zip(words, kept, strict=True) if keep) or text
