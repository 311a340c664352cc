"""The red team: each attack one file, one interface."""

from foretaste.attacks.base import Attack, Poisoned
from foretaste.attacks.registry import ATTACKS, carried_by, carriers

__all__ = ["ATTACKS", "Attack", "Poisoned", "carried_by", "carriers"]
