"""Co-visit injection: fake sessions that tie unpopular items to popular ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Joined, Setting, cover, scaled


@dataclass(frozen=True, slots=True)
class CovisitInjection:
    """Recommenders learn that who saw the anchor saw the target (Yang, Gong, Cai, NDSS 2017).

    Parameters
    ----------
    accounts
        Size of the campaign.
    targets, anchors
        Items that are pushed, and popular items that they are tied to.
    sessions
        Sessions of each account; each visits an anchor and then a target.
    seconds
        The target follows the anchor in less than this; at least 1.
    cover
        Visits of each account to popular items outside the sessions.
    popularity, anchor_popularity
        Quantiles of the items' ranks that both are drawn from.
    intensity
        Share of the sessions that are made.
    """

    name: ClassVar[str] = "covisit_injection"
    accounts: int = 50
    targets: int = 3
    anchors: int = 8
    sessions: int = 8
    seconds: int = 300
    cover: int = 5
    popularity: tuple[float, float] = (0.1, 0.6)
    anchor_popularity: tuple[float, float] = (0.97, 1.0)
    intensity: float = 1.0

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Visit an anchor and, within minutes, a target, at any time."""
        targets = setting.targets(self.targets, self.popularity, rng)
        anchors = setting.targets(self.anchors, self.anchor_popularity, rng)
        who = np.repeat(np.arange(self.accounts), scaled(self.sessions, self.intensity))
        begin = setting.moments(who.size, rng)
        tied = rng.choice(anchors, size=who.size), rng.choice(targets, size=who.size)
        later = begin + rng.integers(min(5, self.seconds - 1), self.seconds, size=who.size)
        parts = [(who, tied[0], begin), (who, tied[1], later)]
        parts.append(cover(setting, self.accounts, self.cover, rng))
        return setting.joined(self.name, self.accounts, parts, rng)
