"""Names: a group whose members are named alike, seen by pseudonymous hashes alone.

Weak evidence, at most ``MOST`` nats and never alone: forums hand out names by one pattern,
families share one, and a name costs an attacker nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from detectors.actors.accounts.chances import at_least, evidence, share_at_least

MOST = 1.5
"""Nats that names may add to a group."""

FEWEST = 3
"""Members that must agree: two of one family do."""

SHAPE = "shape"

BANDS = 4
"""Parts of a sketch that are compared; names agree in one where it is equal."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the contributors' names.

    Parameters
    ----------
    traits
        Per trait the (n,) int64 codes of its values, -1 where unknown: each band of the
        sketch, and the shape.
    counts
        Per trait the contributors that have each value.
    known
        Per trait the contributors that have any.
    """

    traits: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    known: dict[str, int]

    @classmethod
    def of(cls, rows: pd.DataFrame, who: np.ndarray, n: int) -> Names:
        """Read the name columns; one that is missing or null says nothing.

        Parameters
        ----------
        rows
            The batch's rows.
        who
            Row-aligned contributor codes below ``n``. Of a contributor with several
            names the first in order counts.
        """
        traits: dict[str, np.ndarray] = {}
        if "name_sketch" in rows:
            traits |= _bands(*_first(rows["name_sketch"], who, n))
        if "name_shape" in rows:
            traits[SHAPE] = _first(rows["name_shape"], who, n)[0]
        counts = {name: np.bincount(codes[codes >= 0]) for name, codes in traits.items()}
        return cls(traits, counts, {name: int(each.sum()) for name, each in counts.items()})


@dataclass(frozen=True, slots=True)
class NameEvidence:
    """How surprising it is that a group's names are alike.

    Parameters
    ----------
    nats
        At least 0, at most ``MOST``.
    trait
        ``shape``, or a band of the sketch (equal or similar stems); "" where none speaks.
    count, size
        Members that agree, and members in all.
    base
        Share of the other contributors that have this trait too.
    """

    nats: float = 0.0
    trait: str = ""
    count: int = 0
    size: int = 0
    base: float = 0.0

    @property
    def reason(self) -> str:
        """Put it in words: ``22 of 31 named alike, base 0.001``; "" where nothing speaks."""
        if not self.nats:
            return ""
        how = "in one shape" if self.trait == SHAPE else "alike"
        return f"{self.count} of {self.size} named {how}, base {self.base:.2g}"


def weigh_names(names: Names, members: np.ndarray) -> NameEvidence:
    """Weigh the most telling trait; see ``shared_names``."""
    found = [_weigh(trait, names, members) for trait in names.traits]
    return max(found, key=lambda e: (e.nats, e.count), default=NameEvidence())


def _weigh(trait: str, names: Names, members: np.ndarray) -> NameEvidence:
    codes, counts = names.traits[trait][members], names.counts[trait]
    codes = codes[codes >= 0]
    if codes.size < 2:
        return NameEvidence()
    value, inside = np.unique(codes, return_counts=True)
    rest = names.known[trait] - codes.size
    base = (counts[value] - inside + 1) / (rest + 2)
    # One member gives the value, the others must surprise.
    chance = share_at_least(inside - 1, codes.size - 1, base)
    if trait == SHAPE:
        # A school's accounts follow one convention, and others who follow it show that.
        ratio = max(1.0, codes.size / max(rest, 1))
        chance = np.maximum(chance, at_least(inside - 1, counts[value] - inside, ratio))
    chance = np.where(inside < FEWEST, 1.0, chance)
    best = int(np.argmin(chance))
    nats = float(evidence(min(float(chance[best]) * value.size * len(names.traits), 1.0), MOST))
    return NameEvidence(nats, trait, int(inside[best]), int(members.size), float(base[best]))


def _first(column: pd.Series, who: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,) codes of each contributor's first value in order, and the values."""
    codes, values = pd.factorize(column, sort=True)
    known = codes >= 0
    first = np.full(n, len(values), dtype=np.int64)
    np.minimum.at(first, who[known], codes[known])
    return np.where(first == len(values), -1, first), np.asarray(values, dtype=object)


def _bands(codes: np.ndarray, sketches: np.ndarray) -> dict[str, np.ndarray]:
    traits = {}
    for band in range(BANDS):
        part = [s[4 * band : 4 * band + 4] for s in sketches]
        of_sketch = np.append(pd.factorize(np.asarray(part, dtype=object))[0], -1).astype(np.int64)
        traits[f"band{band}"] = of_sketch[codes]
    return traits
