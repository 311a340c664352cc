"""IP rotation: any campaign, with addresses that change account by account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from foretaste.attacks.campaigns.base import Campaign, Joined, Setting
from foretaste.attacks.campaigns.throwaway_ring import ThrowawayRing


@dataclass(frozen=True, slots=True)
class IpRotation:
    """The networks of a proxy pool, which honest people use too.

    Parameters
    ----------
    campaign
        Whose accounts rotate.
    pool
        Subnets in the pool; few of them make accounts share by chance.
    """

    name: ClassVar[str] = "ip_rotation"
    campaign: Campaign = field(default_factory=ThrowawayRing)
    pool: int = 5000

    def join(self, setting: Setting, rng: np.random.Generator) -> Joined:
        """Join as the campaign does, from any subnet of the pool."""
        made = self.campaign.join(setting, rng)
        drawn = rng.integers(self.pool, size=len(made.accounts))
        rotated = made.accounts.assign(
            campaign=self.name, subnet_id=[f"proxy{n:06d}" for n in drawn]
        )
        return Joined(made.visits, rotated)
