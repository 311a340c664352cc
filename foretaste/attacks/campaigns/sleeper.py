"""Sleepers: accounts that live an ordinary life for weeks and then act together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Joined, Setting, everybody, scaled


@dataclass(frozen=True, slots=True)
class Sleeper:
    """The history is honest; the last days are not.

    Parameters
    ----------
    accounts, targets
        Size of the campaign, and the items that it pushes.
    awake_days
        The last days, in which the campaign acts.
    hours
        Time within which the accounts visit a target.
    life
        Mean number of imitating visits of each account over all days.
    popularity
        Quantiles of the items' ranks that targets are drawn from.
    intensity, coverage
        Share of the targets that are used; share of the accounts that visit each.
    """

    name: ClassVar[str] = "sleeper"
    accounts: int = 50
    targets: int = 12
    awake_days: int = 4
    hours: float = 4.0
    life: int = 20
    popularity: tuple[float, float] = (0.1, 0.6)
    intensity: float = 1.0
    coverage: float = 1.0

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Live as others do; push every target at one moment of the last days."""
        targets = setting.targets(scaled(self.targets, self.intensity), self.popularity, rng)
        within = max(round(3600 * self.hours), 1)
        together = setting.gatherings(targets.size, within, rng, last=self.awake_days)
        who, target = everybody(self.accounts, targets, self.coverage, rng)
        jitter = rng.integers(0, within, size=who.size)
        pushed = (who, targets[target], together[target] + jitter)
        living = setting.lives(self.accounts, self.life, rng)
        return setting.joined(self.name, self.accounts, [pushed, living], rng)
