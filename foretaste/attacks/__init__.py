"""The red team: each attack one file, one interface."""

from __future__ import annotations

from typing import Final

from foretaste.attacks.backdoor_phrase import BackdoorPhrase
from foretaste.attacks.base import Attack, Poisoned
from foretaste.attacks.duplicate_flood import DuplicateFlood
from foretaste.attacks.label_flip_sleeper import LabelFlipSleeper
from foretaste.attacks.random_flips import RandomFlips
from foretaste.attacks.sybil_ring import SybilRing

ATTACKS: Final[dict[str, type[Attack]]] = {
    attack.name: attack
    for attack in (BackdoorPhrase, DuplicateFlood, LabelFlipSleeper, RandomFlips, SybilRing)
}
"""Every attack by its name; calling one without arguments gives its ordinary strength."""

__all__ = ["ATTACKS", "Attack", "Poisoned"]
