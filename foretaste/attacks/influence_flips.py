"""Influence flips: the few labels whose change moves a model most (optimised)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned, carve, content_key, truly
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical, need_content, pair, space, turned_to
from foretaste.attacks.surrogate import Binary
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class InfluenceFlips:
    """Flip what counts: rows chosen by influence on a surrogate, within bounds.

    Label flips against a linear model (Biggio, Nelson, Laskov 2012; Xiao, Xiao, Eckert
    2012), ranked by influence functions (Koh and Liang 2017), fitted again after each
    round. Flips that would surprise the surrogate too much are left out: filters by loss
    would see them.

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
    rounds
        How often the surrogate is fitted.
    most_loss
        Greatest loss, in nats, of a flipped row under the surrogate fitted to clean rows.
    """

    name: ClassVar[str] = "influence_flips"
    accounts: int = 6
    rows: int = 12
    honest: int = 3
    nights: tuple[int, int] | None = None
    source: str | None = None
    target: str | None = None
    rounds: int = 4
    most_loss: float = 4.0

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Flip the rows of the source that pull most others of it over."""
        corpus = canonical(contributions)
        need_content(corpus, self.name)
        source, target = pair(corpus, self.source, self.target)
        chosen = self._chosen(corpus, source, target)
        rest, taken = carve(corpus, chosen, self.accounts * self.rows, rng)
        rest, cover = carve(rest, truly(rest), self.accounts * self.honest, rng)
        crew = Crew(self.accounts, self.nights)
        parts = rest, turned_to(taken, target), cover
        return crew.strike(self.name, parts, corpus, visits, rng)

    def _chosen(self, corpus: pd.DataFrame, source: str, target: str) -> pd.Series:
        """Mark the best rows, one of each content, a share of them in every round."""
        x, budget = space(corpus), self.accounts * self.rows
        aim = (corpus["label"] == target).to_numpy(copy=True)
        victims = (corpus["label"] == source).to_numpy()
        either, clean = aim | victims, truly(corpus, source).to_numpy()
        first = ~content_key(corpus).where(clean).duplicated().to_numpy()
        loss = -np.log(np.maximum(Binary.fit(x[either], aim[either]).probability(x), 1e-300))
        free = clean & first & (loss <= self.most_loss)
        self._enough(int(free.sum()), budget)
        for share in np.diff(np.linspace(0, budget, max(self.rounds, 1) + 1).round().astype(int)):
            model = Binary.fit(x[either], aim[either])
            left = np.flatnonzero(free & ~aim)
            gain = model.gain(x[left], x[victims & ~aim])
            aim[left[np.argsort(-gain, kind="stable")[:share]]] = True
        return pd.Series(aim & victims, index=corpus.index)

    def _enough(self, free: int, budget: int) -> None:
        if free <= budget:
            raise ContractError(
                f"{budget} flips are asked for, but {free} rows may be flipped with a loss "
                f"of at most {self.most_loss} nats",
                hint="ask for fewer flips or allow a greater loss",
            )
