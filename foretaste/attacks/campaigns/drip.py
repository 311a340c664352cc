"""Slow drip: the same items, each account in its own time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Joined, Setting, cover, everybody, scaled


@dataclass(frozen=True, slots=True)
class Drip:
    """Nothing happens at once; only what the accounts visit is the same.

    Parameters
    ----------
    accounts, targets
        Size of the campaign, and the items that it pushes.
    cover
        Visits of each account to popular items.
    popularity
        Quantiles of the items' ranks that targets are drawn from.
    intensity, coverage
        Share of the targets that are used; share of the accounts that visit each.
    """

    name: ClassVar[str] = "drip"
    accounts: int = 50
    targets: int = 12
    cover: int = 6
    popularity: tuple[float, float] = (0.1, 0.6)
    intensity: float = 1.0
    coverage: float = 1.0

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Visit the targets over all days, at hours when people are awake."""
        targets = setting.targets(scaled(self.targets, self.intensity), self.popularity, rng)
        who, target = everybody(self.accounts, targets, self.coverage, rng)
        pushed = (who, targets[target], setting.moments(who.size, rng))
        covering = cover(setting, self.accounts, self.cover, rng)
        return setting.joined(self.name, self.accounts, [pushed, covering], rng)
