"""How rows are cut into slices, and which slices may judge which.

Cretu et al., "Casting out Demons" (IEEE S&P 2008), cut by time. A keyed hash of the actor
is the better cut: rows that share an author leak an attack into every slice of time, and
none into a slice of other authors. Crossed, a campaign of many actors within a few days
is judged by other people on other days.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from foretaste.core.batch import Batch

CORRELATION = 0.05
"""How alike rows of one actor are: from it follows what a crowd of rows is worth."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """One way to cut the rows.

    Parameters
    ----------
    codes
        (n,) int64 slice of each row, from 0.
    kin
        (c, c) bool: slices that may not judge each other; every slice is kin to itself.
    """

    codes: np.ndarray
    kin: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> Slicing:
        """Let every slice judge all others."""
        return cls(codes, np.eye(int(codes.max(initial=-1)) + 1, dtype=bool))

    @classmethod
    def crossed(cls, first: np.ndarray, second: np.ndarray) -> Slicing:
        """Cut both ways; slices that share a part of either cut are kin."""
        a, b = int(first.max(initial=-1)) + 1, int(second.max(initial=-1)) + 1
        one, other = np.divmod(np.arange(a * b), max(b, 1))
        kin = (one[:, None] == one) | (other[:, None] == other)
        return cls(first * b + second, kin)

    def judged_by(self, code: int) -> np.ndarray:
        """Positions of the rows that a slice may judge."""
        return np.flatnonzero(~self.kin[code][self.codes])


def actor_slices(batch: Batch, n_slices: int, n_salts: int) -> np.ndarray:
    """(n_salts, n) slice of each row: a keyed hash of its actor, so nobody picks a slice.

    An actor is hashed by its first member's id: its slice does not move from night to
    night when others join.
    """
    if batch.n_rows == 0:
        return np.zeros((n_salts, 0), dtype=np.int64)
    first = np.full(int(batch.actors.max()) + 1, len(batch.contributor_ids), dtype=np.int64)
    np.minimum.at(first, batch.actors, batch.contributors)
    rows = first[batch.actors]
    codes = np.zeros((n_salts, len(batch.contributor_ids) + 1), dtype=np.int64)
    for code in np.unique(rows):
        for salt in range(n_salts):
            digest = hashlib.blake2b(
                f"{salt}:{batch.contributor_ids[code]}".encode(),
                digest_size=8,
                key=batch.salt[:64],
            ).digest()
            codes[salt, code] = int.from_bytes(digest, "big") % n_slices
    return codes[:, rows]


def time_slices(times: np.ndarray, n_slices: int) -> np.ndarray:
    """(n,) slice codes by quantiles of time; equal times share a slice."""
    edges = np.quantile(times, np.linspace(0, 1, n_slices + 1)[1:-1], method="lower")
    out: np.ndarray = np.searchsorted(np.unique(edges), times, side="left").astype(np.int64)
    return out


def independent_rows(actors: np.ndarray) -> float:
    """Tell how many independent rows a slice is worth, from the actor of each of its rows.

    An actor's n rows count as n / (1 + (n - 1) r), r the correlation (the design effect;
    Kish 1965): however many it sends, they are worth twenty. A slice that one actor
    fills has little weight.
    """
    n = np.bincount(actors)
    return float((n / (1.0 + np.maximum(n - 1, 0) * CORRELATION)).sum())
