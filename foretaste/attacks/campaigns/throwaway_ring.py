"""A ring of throw-away accounts: one visit each, made in a burst behind one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import DAY, Joined, Setting


@dataclass(frozen=True, slots=True)
class ThrowawayRing:
    """No account does enough to be judged; where and when they were made tells.

    Parameters
    ----------
    accounts, targets
        Size of the ring, and the items that it pushes.
    made_within_hours
        Length of the registration burst; it ends before the first visit.
    popularity
        Quantiles of the items' ranks that targets are drawn from.
    """

    name: ClassVar[str] = "throwaway_ring"
    accounts: int = 50
    targets: int = 3
    made_within_hours: float = 3.0
    popularity: tuple[float, float] = (0.1, 0.6)

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Let every account visit one target within a day of the burst."""
        targets = setting.targets(self.targets, self.popularity, rng)
        day = min(int(rng.integers(1, max(setting.days - 1, 2))), setting.days - 1)
        who = np.arange(self.accounts)
        second = day * DAY + rng.integers(0, DAY, size=who.size)
        pushed = (who, rng.choice(targets, size=who.size), second)
        made = setting.joined(self.name, self.accounts, [pushed], rng)
        before = rng.uniform(0, self.made_within_hours * 3600, size=who.size).astype(np.int64)
        burst = setting.at(day * DAY - before)
        accounts = made.accounts.assign(subnet_id=made.accounts["subnet_id"].iloc[0])
        return Joined(made.visits, accounts.assign(registered_at=burst))
