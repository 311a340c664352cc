"""Campaigns over any visit table: accounts that act as one, each way one file."""

from foretaste.attacks.campaigns.base import Campaign, Joined, Setting
from foretaste.attacks.campaigns.camouflage import Camouflage
from foretaste.attacks.campaigns.covisit_injection import CovisitInjection
from foretaste.attacks.campaigns.drip import Drip
from foretaste.attacks.campaigns.ip_rotation import IpRotation
from foretaste.attacks.campaigns.lockstep import Lockstep
from foretaste.attacks.campaigns.sleeper import Sleeper
from foretaste.attacks.campaigns.throwaway_ring import ThrowawayRing

__all__ = [
    "Camouflage",
    "Campaign",
    "CovisitInjection",
    "Drip",
    "IpRotation",
    "Joined",
    "Lockstep",
    "Setting",
    "Sleeper",
    "ThrowawayRing",
]
