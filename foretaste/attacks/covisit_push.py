"""Co-visit push: sessions tie unpopular items to popular ones, and rate them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from foretaste.attacks.base import Poisoned
from foretaste.attacks.campaigns import CovisitInjection, Setting
from foretaste.attacks.crew import Crew
from foretaste.attacks.material import canonical
from foretaste.attacks.ratings import between, pushed_label, rated, visits_of


@dataclass(frozen=True, slots=True)
class CovisitPush:
    """Accounts visit an anchor and then a target, and rate both (Yang, Gong, Cai 2017).

    Parameters
    ----------
    accounts
        How many there are.
    targets, anchors
        Items that are pushed, and popular items that they are tied to.
    sessions
        Sessions of each account.
    target
        Label that is pushed; None: the highest number, or else the most frequent.
    popularity, anchor_popularity
        Quantiles of the items' ranks that both are drawn from; they do not overlap.
    """

    name: ClassVar[str] = "covisit_push"
    accounts: int = 20
    targets: int = 3
    anchors: int = 5
    sessions: int = 5
    target: str | None = None
    popularity: tuple[float, float] = (0.1, 0.6)
    anchor_popularity: tuple[float, float] = (0.9, 1.0)

    def apply(
        self, contributions: pd.DataFrame, visits: pd.DataFrame, rng: np.random.Generator
    ) -> Poisoned:
        """Let the accounts live their sessions, and rate what they see."""
        corpus = canonical(contributions)
        setting = Setting.of(visits_of(corpus, visits, self.name))
        campaign = CovisitInjection(
            accounts=self.accounts,
            targets=self.targets,
            anchors=self.anchors,
            sessions=self.sessions,
            cover=0,
            popularity=self.popularity,
            anchor_popularity=self.anchor_popularity,
        )
        made = campaign.join(setting, rng).visits
        pushed = made["item_id"].isin(between(setting, self.popularity)).to_numpy()
        label = pushed_label(corpus, self.target)
        return rated(self.name, made, pushed, label, corpus, visits, Crew(self.accounts), rng)
