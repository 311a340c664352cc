"""Camouflaged boundary: a boundary skew among four honest rows to each poisoned one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foretaste.attacks.boundary_skew import BoundarySkew


@dataclass(frozen=True, slots=True)
class CamouflagedBoundary(BoundarySkew):
    """Accounts that are right four times out of five, and wrong where it counts.

    The parameters are those of ``BoundarySkew``.
    """

    name: ClassVar[str] = "camouflaged_boundary"
    rows: int = 5
    honest: int = 20
