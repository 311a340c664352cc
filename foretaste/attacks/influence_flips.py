"""Influence flips: the few labels whose change moves a model most (optimised)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, distinct, need_content, pair, space, turned_to
from foretaste.attacks.surrogate import Surrogate
from foretaste.core.errors import ContractError

_MOST_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class InfluenceFlips:
    """Flip what counts: rows chosen by influence on a surrogate, within bounds.

    Label flips against a linear model (Biggio, Nelson, Laskov 2012; Xiao, Xiao, Eckert
    2012), ranked by influence functions (Koh and Liang 2017). Rows unlike the target are
    left out: filters by loss would see their flips.

    Parameters
    ----------
    accounts, rows
        How many accounts, and how many poisoned rows each sends: the budget.
    honest
        Honest rows of any class that each sends beside them.
    nights
        First and last night, counted from 1; None: every night.
    source, target
        Class of the material and the label it gets; None: the two most frequent, the
        most frequent as target.
    reach
        Share, in (0, 1], of the source's rows that may be flipped: those likest the
        target to a surrogate fitted to clean rows.
    """

    name: ClassVar[str] = "influence_flips"
    accounts: int = 6
    rows: int = 10
    honest: int = 3
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    reach: float = 0.7

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Flip the rows of the source that pull most others of it over."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        chosen = self._chosen(corpus, source, target, rng)
        rest, taken = carve(corpus, chosen, self.accounts * self.rows, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), cover
        return crew.strike(self.name, parts, corpus, visits, rng)

    def _chosen(
        self, corpus: pd.DataFrame, source: str, target: str, rng: np.random.Generator
    ) -> pd.Series:
        """Mark the rows of greatest gain, one of each content."""
        seen = np.sort(rng.permutation(len(corpus))[:_MOST_ROWS])
        x, labels = space(corpus)[seen], corpus["label"].to_numpy(object)[seen]
        model = Surrogate.fit(x, labels)
        own = np.flatnonzero(distinct(corpus, truly(corpus, source)).iloc[seen])
        left = self._within_reach(own, model.probability(x, target), source)
        gain = model.gain(x[left], x[labels == source], source, target)
        best = left[np.argsort(-gain, kind="stable")[: self.accounts * self.rows]]
        return pd.Series(np.isin(np.arange(len(corpus)), seen[best]), index=corpus.index)

    def _within_reach(self, rows: np.ndarray, p: np.ndarray, source: str) -> np.ndarray:
        """Those of the rows that the surrogate finds least unlike the target."""
        most = round(self.reach * len(rows))
        if most < self.accounts * self.rows:
            raise ContractError(
                f"{self.accounts * self.rows} flips are asked for, but only {most} rows of "
                f"{source!r} are within reach",
                hint="ask for fewer flips or a wider reach",
            )
        return rows[np.argsort(-p[rows], kind="stable")[:most]]
