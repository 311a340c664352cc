"""Lockstep: accounts that visit the same items within minutes of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Joined, Setting, cover, everybody, scaled


@dataclass(frozen=True, slots=True)
class Lockstep:
    """One script drives all accounts (SynchroTrap, Cao et al., CCS 2014).

    Parameters
    ----------
    accounts, targets
        Size of the campaign, and the items that it pushes.
    minutes
        Time within which all accounts visit a target.
    cover
        Visits of each account to popular items.
    popularity
        Quantiles of the items' ranks that targets are drawn from.
    intensity, coverage
        Share of the targets that are used; share of the accounts that visit each.
    """

    name: ClassVar[str] = "lockstep"
    accounts: int = 50
    targets: int = 10
    minutes: float = 20.0
    cover: int = 5
    popularity: tuple[float, float] = (0.1, 0.6)
    intensity: float = 1.0
    coverage: float = 1.0

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Visit every target together, at a time of its own."""
        targets = setting.targets(scaled(self.targets, self.intensity), self.popularity, rng)
        within = max(round(60 * self.minutes), 1)
        together = setting.gatherings(targets.size, within, rng)
        who, target = everybody(self.accounts, targets, self.coverage, rng)
        jitter = rng.integers(0, within, size=who.size)
        pushed = (who, targets[target], together[target] + jitter)
        covering = cover(setting, self.accounts, self.cover, rng)
        return setting.joined(self.name, self.accounts, [pushed, covering], rng)
