"""Region capture: be the majority of a small region, in every slice (adaptive)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, distinct, need_content, pair, space, turned_to
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class RegionCapture:
    """Where attackers outnumber the honest in every slice, honest rows look wrong.

    The owner knows that people are hashed to slices, not how: so many accounts that
    every slice gets some, each with enough rows to be heard, all about one corner of the
    source class.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends; with fewer than five
        rows it would have no vote.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    share
        Share, in (0, 1], of the corner's distinct rows that is the attackers'.
    """

    name: ClassVar[str] = "region_capture"
    accounts: int = 18
    rows: int = 5
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    share: float = 0.7

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Report most rows of a corner as the target."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        count = self.accounts * self.rows
        corner = self._corner(corpus, source, target, rng)
        rest, taken = carve(corpus, corner, count, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), taken.iloc[:0]
        return crew.strike(self.name, parts, corpus, visits, rng)

    def _corner(
        self, corpus: pd.DataFrame, source: str, target: str, rng: np.random.Generator
    ) -> pd.Series:
        """Mark the rows nearest to one by the boundary, one of each content."""
        size = round(self.accounts * self.rows / self.share)
        mine = truly(corpus, source)
        fit = np.flatnonzero(distinct(corpus, mine))
        near = np.flatnonzero(mine & near_boundary(corpus, source, target))
        if len(fit) < size or len(near) == 0:
            raise ContractError(
                f"a corner of {size} rows is asked for, but {source!r} has {len(fit)}",
                hint="ask for fewer rows or a greater share",
            )
        x = space(corpus)
        centre = x[rng.choice(near)]
        order = np.argsort(((x[fit] - centre) ** 2).sum(axis=1), kind="stable")
        marked = np.zeros(len(corpus), dtype=bool)
        marked[fit[order[:size]]] = True
        return pd.Series(marked, index=corpus.index)
