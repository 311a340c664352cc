"""Caps on shares of the total weight, for contributors, actors and subnets at once.

The capped shares are those nearest to the uncapped ones in relative entropy (an
I-projection, Csiszár 1975): a row's weight is multiplied by one factor of at most 1 for
each group that it is in. The factors are found by block coordinate ascent, where one
block is plain water-filling over the groups of one kind.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

Groups = Mapping[str, tuple[np.ndarray, float]]
"""Per kind: (n,) codes of the rows' groups, -1 for none, and the cap on a group's share."""

_UNITS = 2.0**30
_PASSES = 400
_SLACK = 1e-9
_NEAR = 1.01
_NOTHING = 1e-14
_LOOSEN = 1.05


def cap_shares(weight: np.ndarray, groups: Groups) -> np.ndarray:
    """Take weights down until no group holds more than its share of the total.

    The caps that hold are those of ``effective_caps``. Rows without a group of a kind
    are held by no cap of that kind.

    Parameters
    ----------
    weight
        (n,) float64, not negative, finite; read in units of 2**-30 of the largest.
    groups
        Caps by kind; a cap is a share in [0, 1].

    Returns
    -------
    np.ndarray
        (n,) float64 of mean 1; all zero when ``weight`` is. Rows of weight 0 stay at 0.
        Equal input gives equal bytes, whatever the order of the kinds.

    Raises
    ------
    ValueError
        If a weight is negative or not finite.
    """
    found = _solve(_checked(weight), groups)
    capped: np.ndarray = found.units * found.factors[found.cell_of]
    total = float((found.mass * found.factors).sum())
    return capped * (capped.size / total) if total > 0 else capped


def effective_caps(weight: np.ndarray, groups: Groups) -> dict[str, float]:
    """Give the caps that ``cap_shares`` holds.

    A cap is at least 2 / (number of groups of its kind that have weight), so that it can
    be met. Caps of several kinds can still contradict each other (one actor owns nearly
    all contributors, and the few others may not hold more each): then all are loosened
    together in steps of 5 % until they can be met, and a warning is logged. Caps that can
    only just be met may be exceeded by up to 1 %; what is given here is what holds.
    """
    return dict(_solve(_checked(weight), groups).caps)


def cap_factors(weight: np.ndarray, groups: Groups) -> np.ndarray:
    """(n,) float64 in [0, 1]: what ``cap_shares`` multiplies each weight by, before the mean."""
    found = _solve(_checked(weight), groups)
    each: np.ndarray = found.factors[found.cell_of]
    return each


def share_table(weight: np.ndarray, codes: np.ndarray, ids: np.ndarray) -> pd.DataFrame:
    """Give each group's share of the total weight.

    Parameters
    ----------
    weight
        (n,) weights.
    codes
        (n,) codes into ``ids``, -1 for no group.
    ids
        Names of the groups.

    Returns
    -------
    pd.DataFrame
        Columns ``id, share``, one line per id, largest share first, then by id.
    """
    codes = np.asarray(codes)
    inside = codes >= 0
    sums = np.bincount(codes[inside], np.asarray(weight, float)[inside], minlength=len(ids))
    total = float(np.sum(weight))
    table = pd.DataFrame(
        {"id": pd.array(np.asarray(ids, dtype=object), dtype="str"), "share": sums}
    )
    table["share"] /= total if total > 0 else 1.0
    return table.sort_values(["share", "id"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True, slots=True)
class _Solution:
    """Factors per cell; a cell is the rows that share all their groups."""

    caps: dict[str, float]
    units: np.ndarray
    cell_of: np.ndarray
    mass: np.ndarray
    factors: np.ndarray


@dataclass(frozen=True, slots=True)
class _Kind:
    """The groups of one kind over cells; group 0 stands for "no group"."""

    codes: np.ndarray
    n_groups: int

    def sums(self, mass: np.ndarray) -> np.ndarray:
        return np.bincount(self.codes, mass, minlength=self.n_groups)


def _checked(weight: np.ndarray) -> np.ndarray:
    weight = np.asarray(weight, dtype=np.float64)
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("weights must be finite and not negative")
    return weight


def _solve(weight: np.ndarray, groups: Groups) -> _Solution:
    """Find the factors, with caps loosened as little as it takes."""
    names = sorted(groups)
    units = _units(weight)
    cell_of, kinds = _cells([np.asarray(groups[name][0]) for name in names], weight.size)
    mass = np.bincount(cell_of, units)
    caps = np.array(
        [
            max(groups[name][1], 2.0 / max(int((kind.sums(mass)[1:] > 0).sum()), 1))
            for name, kind in zip(names, kinds, strict=True)
        ]
    )
    fit, loosened = _fit(mass, kinds, caps), 1.0
    while fit is None:
        loosened *= _LOOSEN
        fit = _fit(mass, kinds, caps * loosened)
    if loosened > 1:
        logger.warning("the caps on shares contradict each other: loosened by %.2f", loosened)
    factors, worst = fit
    held = dict(zip(names, (caps * loosened * worst).tolist(), strict=True))
    return _Solution(held, units, cell_of, mass, factors)


def _units(weight: np.ndarray) -> np.ndarray:
    """Whole units: integers below 2**53 add exactly, so no sum depends on the rows' order."""
    top = float(weight.max(initial=0.0))
    if top == 0:
        return np.zeros(weight.size)
    return np.where(weight > 0, np.maximum(np.rint(weight / top * _UNITS), 1.0), 0.0)


def _cells(codes: list[np.ndarray], n_rows: int) -> tuple[np.ndarray, list[_Kind]]:
    """Number the distinct combinations of groups, in order of their codes."""
    cell_of, parts = np.zeros(n_rows, dtype=np.int64), list[np.ndarray]()
    for column in codes:
        width = int(column.max(initial=-1)) + 2
        distinct, cell_of = np.unique(cell_of * width + column + 1, return_inverse=True)
        parts = [part[distinct // width] for part in parts] + [distinct % width]
    return cell_of, [_Kind(part, int(part.max(initial=0)) + 1) for part in parts]


def _fit(mass: np.ndarray, kinds: list[_Kind], caps: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Give factors and by what ratio the worst group is above its cap, None where it is far.

    Caps that can only just be met are approached ever more slowly: after all passes, what
    is within ``_NEAR`` is taken as met, and the caps that hold say so.
    """
    spread = np.ones((len(kinds), mass.size))
    start, worst = float(mass.sum()), 1.0
    for _ in range(_PASSES):
        factors: np.ndarray = spread.prod(axis=0)
        total = float((mass * factors).sum())
        if start > 0 and total <= start * _NOTHING:
            return None
        worst = _worst(mass * factors / total, kinds, caps) if start > 0 else 1.0
        if worst <= 1.0 + _SLACK:
            return factors, 1.0
        for i, kind in enumerate(kinds):
            others = np.delete(spread, i, axis=0).prod(axis=0)
            spread[i] = _fill(kind.sums(mass * others), float(caps[i]))[kind.codes]
    return (factors, worst) if worst <= _NEAR else None


def _worst(shares: np.ndarray, kinds: list[_Kind], caps: np.ndarray) -> float:
    """Give the largest ratio of a group's share to its cap."""
    return max(
        (
            float(kind.sums(shares)[1:].max(initial=0.0) / cap)
            for kind, cap in zip(kinds, caps, strict=True)
        ),
        default=0.0,
    )


def _fill(sums: np.ndarray, cap: float) -> np.ndarray:
    """Give factors of at most 1 that bring every group but the first to ``cap`` or less.

    With the ``j`` largest groups at the cap, the total is what the others hold divided by
    1 - j * cap; the right ``j`` is the first at which the next group fits.
    """
    large = np.sort(sums[1:])[::-1]
    rest = sums[0] + np.append(np.cumsum(large[::-1])[::-1], 0.0)
    room = 1.0 - np.arange(rest.size) * cap
    total = np.divide(rest, room, out=np.full(rest.size, np.inf), where=room > 0)
    level = cap * total[np.argmax(np.append(large, 0.0) <= cap * total)]
    factors = np.ones(sums.size)
    over = sums > level
    over[0] = False
    factors[over] = level / sums[over]
    return factors
