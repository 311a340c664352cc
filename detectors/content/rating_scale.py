"""Labels as a scale of numbers, whatever single people write."""

from __future__ import annotations

import numpy as np

from foretaste.core.batch import Batch

_LEVELS = 3
_USED = 0.01
_NUMBERS = 0.9


def scale_of(batch: Batch) -> np.ndarray | None:
    """(classes,) rating in [-1, 1] of each label, NaN for words; None where it is no scale.

    The scale ends at the outermost labels that a hundredth of the people use, so that
    nobody stretches it with a number of his own, and a word among the numbers is no way
    to silence the others.
    """
    value = np.array([_number(label) for label in batch.classes], dtype=np.float64)
    n = max(len(batch.contributor_ids), 1)
    people = people_of(batch.labels, batch.contributors, value.size)
    rows = np.bincount(batch.labels, minlength=value.size)
    used = value[np.isfinite(value) & (people >= max(2, _USED * n))]
    numbers = rows[np.isfinite(value)].sum()
    if np.unique(used).size < _LEVELS or numbers < _NUMBERS * batch.n_rows:
        return None
    low, high = used.min(), used.max()
    scale: np.ndarray = 2.0 * (np.clip(value, low, high) - low) / (high - low) - 1.0
    return scale


def people_of(what: np.ndarray, who: np.ndarray, n: int) -> np.ndarray:
    """(n,) number of distinct people beside each code of ``what``."""
    if not what.size:
        return np.zeros(n, dtype=np.int64)
    width = np.int64(who.max()) + 1
    pairs = np.unique(what.astype(np.int64) * width + who)
    count: np.ndarray = np.bincount(pairs // width, minlength=n)
    return count


def _number(label: str) -> float:
    try:
        value = float(label)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan
