"""Every attack by its name, and what a corpus must have to carry it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from foretaste.attacks.backdoor_pattern import BackdoorPattern
from foretaste.attacks.backdoor_phrase import BackdoorPhrase
from foretaste.attacks.base import Attack
from foretaste.attacks.boundary_skew import BoundarySkew
from foretaste.attacks.camouflaged_backdoor import CamouflagedBackdoor
from foretaste.attacks.camouflaged_boundary import CamouflagedBoundary
from foretaste.attacks.collusion import Collusion
from foretaste.attacks.covisit_push import CovisitPush
from foretaste.attacks.duplicate_flood import DuplicateFlood
from foretaste.attacks.excess_evasion import ExcessEvasion
from foretaste.attacks.feature_collision import FeatureCollision
from foretaste.attacks.feature_outliers import FeatureOutliers
from foretaste.attacks.influence_flips import InfluenceFlips
from foretaste.attacks.label_flip_sleeper import LabelFlipSleeper
from foretaste.attacks.material import feature_names
from foretaste.attacks.quiet_flood import QuietFlood
from foretaste.attacks.random_flips import RandomFlips
from foretaste.attacks.region_capture import RegionCapture
from foretaste.attacks.shilling import Shilling
from foretaste.attacks.sleeper_crew import SleeperCrew
from foretaste.attacks.slow_drip import SlowDrip
from foretaste.attacks.stealth_interpolation import StealthInterpolation
from foretaste.attacks.sybil_random import SybilRandom
from foretaste.attacks.sybil_ring import SybilRing
from foretaste.attacks.sybil_scattered import SybilScattered

ATTACKS: Final[dict[str, type[Attack]]] = {
    attack.name: attack
    for attack in (
        BackdoorPattern,
        BackdoorPhrase,
        BoundarySkew,
        CamouflagedBackdoor,
        CamouflagedBoundary,
        Collusion,
        CovisitPush,
        DuplicateFlood,
        ExcessEvasion,
        FeatureCollision,
        FeatureOutliers,
        InfluenceFlips,
        LabelFlipSleeper,
        QuietFlood,
        RandomFlips,
        RegionCapture,
        Shilling,
        SleeperCrew,
        SlowDrip,
        StealthInterpolation,
        SybilRandom,
        SybilRing,
        SybilScattered,
    )
}
"""Every attack by its name; calling one without arguments gives its ordinary strength."""

_ONLY: Final = {
    "backdoor_pattern": {"features"},
    "backdoor_phrase": {"text"},
    "collusion": {"text", "features", "ratings"},
    "covisit_push": {"ratings"},
    "feature_collision": {"features"},
    "feature_outliers": {"features"},
    "label_flip_sleeper": {"text", "features", "ratings"},
    "random_flips": {"text", "features", "ratings"},
    "shilling": {"ratings"},
    "sleeper_crew": {"text", "features", "ratings"},
    "slow_drip": {"text", "features", "ratings"},
    "sybil_random": {"text", "features", "ratings"},
}


def carriers(attack: str) -> frozenset[str]:
    """Say what can carry an attack: ``text``, ``features``, ``ratings`` (labels of items)."""
    return frozenset(_ONLY.get(attack, {"text", "features"}))


def carried_by(contributions: pd.DataFrame) -> list[str]:
    """Names of the attacks that fit the kind of the contributions, sorted.

    One that fits may still ask for more rows or classes than there are, and say so.
    """
    has = {"text"} if "text" in contributions and contributions["text"].notna().any() else set()
    has |= {"features"} if feature_names(contributions) else set()
    return sorted(name for name in ATTACKS if carriers(name) & (has or {"ratings"}))
