"""Shilling: profiles that agree with everybody, and push a few items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned
from foretaste.attacks.campaigns import Setting
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical
from foretaste.attacks.ratings import pushed_label, rated, visits_of
from foretaste.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class Shilling:
    """The average attack over popular items (Lam, Riedl 2004; Hurley, Cheng, Zhang 2009).

    Parameters
    ----------
    accounts
        How many there are.
    targets
        Items that every account pushes.
    filler
        Items that each account rates as most people do, drawn by popularity.
    target
        Label that is pushed, the lowest for a nuke; None: the highest number, or else
        the most frequent.
    pause
        Longest time between two ratings of an account, in seconds.
    popularity
        Quantiles of the items' ranks that the targets are drawn from.
    """

    name: ClassVar[str] = "shilling"
    accounts: int = 20
    targets: int = 1
    filler: int = 15
    target: str | None = None
    pause: int = 60
    popularity: tuple[float, float] = (0.1, 0.6)

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let each account enter its profile in one sitting, the targets anywhere in it."""
        corpus = canonical(contributions)
        setting = Setting.of(visits_of(corpus, visits, self.name))
        chosen = setting.targets(self.targets, self.popularity, rng)
        size = self.targets + self.filler
        if setting.items.size < size:
            raise ContractError(
                f"a profile of {size} items needs as many, and {setting.items.size} are rated",
                hint="ask for fewer fillers",
            )
        item = setting.popular(self.accounts * size, rng).reshape(self.accounts, size)
        item[:, : self.targets] = chosen
        item = rng.permuted(item, axis=1)
        pause = rng.integers(1, self.pause + 1, size=item.shape)
        begin = setting.gatherings(self.accounts, self.pause * size, rng)
        second = (begin[:, None] + np.cumsum(pause, axis=1)).ravel()
        part = np.repeat(np.arange(self.accounts), size), item.ravel(), second
        made = setting.joined(self.name, self.accounts, [part], rng).visits
        pushed = made["item_id"].isin(setting.items[chosen]).to_numpy()
        label = pushed_label(corpus, self.target)
        return rated(self.name, made, pushed, label, corpus, visits, Crew(self.accounts), rng)
