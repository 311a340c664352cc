"""How far the mean of a group of rows lies from the means of other groups.

One-way random effects (DerSimonian and Laird 1986), made robust: groups differ by their
own style as well as by chance, and only a mean that neither explains is a shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

MIN_ROWS = 3
"""Rows of a label below which a group cannot be judged in it."""

MIN_GROUPS = 8
"""Groups of a label below which nobody is judged in it."""

_TOP = 3
_Z99 = 2.3263
_SAMPLE = 5_000
_SIMULATED = 4_000
_MAX_DIRECTIONS = 30
_RIDGE = 0.05
_STYLE_FLOOR = 0.05
_SCALE_FLOOR = 0.15


@dataclass(frozen=True, slots=True)
class Cells:
    """Groups in one label each, as far as they can be judged.

    Parameters
    ----------
    group, label, size
        (m,) codes, and rows of the cell.
    z
        (m,) float64: mean of the three largest deviations, in standard deviations of
        the same number over honest cells, judged by the lower half of all cells.
    """

    group: np.ndarray
    label: np.ndarray
    size: np.ndarray
    z: np.ndarray


def shifted_cells(x: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> Cells:
    """Measure every (group, label) cell of ``MIN_ROWS`` rows or more.

    Cells are looked at along the features, where a trigger shows, and along the
    directions that tell the labels apart, where a relabelled class does.

    Parameters
    ----------
    x
        (n, d) float32 robust-scaled features.
    groups, labels
        (n,) codes.
    """
    first = _measure(x, groups, labels)
    second = _measure(x @ _discriminants(x, labels), groups, labels)
    return replace(first, z=np.maximum(first.z, second.z))


def _measure(x: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> Cells:
    parts = [_label_cells(x, groups, labels, code) for code in np.unique(labels)]
    group, label, size, raw = (np.concatenate(p) for p in zip(_NO_CELLS, *parts, strict=True))
    return Cells(group, label, size, _standardise(raw, label) * _lower_to_upper(x, labels))


def _lower_to_upper(x: np.ndarray, labels: np.ndarray) -> float:
    """Ratio of the scales below and above the median of an honest cell's deviation.

    The largest of a few absolute values are skewed, so that the lower half, which is all
    that attackers leave us, is narrower than the upper. Simulated on normal cells with
    the correlations of the columns.
    """
    step = max(1, len(x) // _SAMPLE)
    some, codes = x[::step].astype(np.float64), labels[::step]
    for code in np.unique(codes):
        some[codes == code] -= some[codes == code].mean(axis=0)
    spread = some / np.maximum(some.std(axis=0), 1e-9)
    factor = np.linalg.svd(spread, full_matrices=False)
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(_SIMULATED, factor.S.size))
    drawn = _largest(np.abs(normal * factor.S @ factor.Vh / np.sqrt(len(some))))
    middle, upper = np.quantile(drawn, [0.5, 0.99])
    lower = 1.4826 * np.median(middle - drawn[drawn <= middle])
    return float(min(1.0, lower * _Z99 / max(upper - middle, 1e-9)))


def _discriminants(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(d, k) float32 directions from the middle to each of the largest labels (Fisher 1936)."""
    codes, sizes = np.unique(labels, return_counts=True)
    largest = np.sort(codes[np.argsort(-sizes, kind="stable")[:_MAX_DIRECTIONS]])
    means = np.stack([x[labels == code].mean(axis=0, dtype=np.float64) for code in largest])
    spread = np.zeros((x.shape[1], x.shape[1]))
    for code, mean in zip(largest, means, strict=True):
        centred = x[labels == code] - mean.astype(np.float32)
        spread += centred.T @ centred
    spread = spread / len(x) + _RIDGE * np.eye(len(spread))
    directions: np.ndarray = np.linalg.solve(spread, (means - means.mean(axis=0)).T)
    return directions.astype(np.float32)


_NO_CELLS = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def _label_cells(
    x: np.ndarray, groups: np.ndarray, labels: np.ndarray, label: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Group, label, size and raw deviation of the cells of one label."""
    rows = np.flatnonzero(labels == label)
    rows = rows[np.argsort(groups[rows], kind="stable")]
    names, starts, sizes = np.unique(groups[rows], return_index=True, return_counts=True)
    big = sizes >= MIN_ROWS
    if big.sum() < MIN_GROUPS:
        return _NO_CELLS
    values = x[rows].astype(np.float64)
    means = np.add.reduceat(values, starts) / sizes[:, None]
    squares = np.add.reduceat(np.square(values), starts)
    within = squares - sizes[:, None] * np.square(means)
    noise = within[big].sum(axis=0) / max(int((sizes[big] - 1).sum()), 1)
    raw = _deviation(means[big], sizes[big], np.maximum(noise, 1e-4))
    return names[big].astype(np.int64), np.full(raw.size, label), sizes[big], raw


def _deviation(means: np.ndarray, sizes: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Mean of the three largest |z| over features, chance and style accounted for."""
    centre = np.median(means, axis=0)
    chance = noise / sizes[:, None]
    spread = 1.4826 * np.median(np.abs(means - centre), axis=0)
    style = np.maximum(np.square(spread) - np.median(chance, axis=0), _STYLE_FLOOR**2 * noise)
    return _largest(np.abs(means - centre) / np.sqrt(chance + style))


def _largest(z: np.ndarray) -> np.ndarray:
    """(m,) mean of the three largest of each row."""
    top = min(_TOP, z.shape[1])
    largest: np.ndarray = np.partition(z, z.shape[1] - top, axis=1)[:, -top:].mean(axis=1)
    return largest


def _standardise(raw: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Centre and scale by the lower half of the cells of a label: attackers sit above it."""
    out = np.zeros(raw.size)
    for code in np.unique(label):
        mine = label == code
        middle = np.median(raw[mine])
        below = middle - raw[mine & (raw <= middle)]
        scale = max(1.4826 * float(np.median(below)), _SCALE_FLOOR)
        out[mine] = (raw[mine] - middle) / scale
    return out
