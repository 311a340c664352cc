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
    in_time,
    joined,
    moments,
    nth_day,
    record,
    relabelled,
    truly,
)
from foretaste.attacks.material import near_copies, need_content, pair


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
        Class of the seeds and the label of the copies; None: the two most frequent, the
        most frequent as target.
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
    source: str | None = None
    target: str | None = None
    night: int = 3
    dropped_words: float = 0.05

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Send near-copies of a few rows, all with the target label."""
        corpus = in_time(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        rest, taken = carve(corpus, truly(corpus, source), self.seeds, rng)
        rows = pd.concat([taken] * self.copies, ignore_index=True)
        rows = relabelled(rows, pd.Series(target, index=rows.index))
        n = len(rows)
        names = fresh_ids(rng, "u", self.accounts, corpus["contributor_id"].tolist())
        account = rng.permutation(np.arange(n) % self.accounts)
        rows["contributor_id"] = np.array(names, dtype=object)[account]
        rows["contribution_id"] = fresh_ids(rng, "c", n, corpus["contribution_id"].tolist())
        rows["contributed_at"] = moments(corpus, nth_day(corpus, self.night), n, rng)
        rows = near_copies(rows, corpus, self.dropped_words, rng)
        for column in (c for c in ("ip", "tier", "registered_at") if c in rows):
            rows[column] = taken[column].iloc[account % self.seeds].to_numpy()
        return joined(rest, rows, visits, record(rows, self.name, np.ones(n, dtype=bool)))
