"""Camouflage: a campaign whose accounts also live like people of a community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Joined, Setting, everybody, scaled


@dataclass(frozen=True, slots=True)
class Camouflage:
    """Most visits imitate somebody's community (camouflage of FRAUDAR, Hooi et al. 2016).

    Parameters
    ----------
    accounts, targets
        Size of the campaign, and the items that it pushes.
    hours
        Time within which the accounts visit a target.
    life
        Mean number of imitating visits of each account.
    popularity
        Quantiles of the items' ranks that targets are drawn from.
    intensity, coverage
        Share of the targets that are used; share of the accounts that visit each.
    """

    name: ClassVar[str] = "camouflage"
    accounts: int = 50
    targets: int = 12
    hours: float = 8.0
    life: int = 24
    popularity: tuple[float, float] = (0.1, 0.6)
    intensity: float = 1.0
    coverage: float = 1.0

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Visit every target within hours, among visits to what neighbours like."""
        targets = setting.targets(scaled(self.targets, self.intensity), self.popularity, rng)
        within = max(round(3600 * self.hours), 1)
        together = setting.gatherings(targets.size, within, rng)
        who, target = everybody(self.accounts, targets, self.coverage, rng)
        jitter = rng.integers(0, within, size=who.size)
        pushed = (who, targets[target], together[target] + jitter)
        living = setting.lives(self.accounts, self.life, rng)
        return setting.joined(self.name, self.accounts, [pushed, living], rng)
