"""Drift between two sets of rows, as effect sizes with a false discovery rate.

With enough rows everything differs significantly, and among many columns something
always differs: a column has drifted when its difference is real (Welch's test,
Benjamini and Hochberg 1995 over all columns) *and* large (Cohen's d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from expectations.sampling import sample_positions
from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.features import project_text

DRIFT_ROWS: Final = 5_000
"""Rows sampled from each side: d is then known to about 0.02."""

_TAILS = (0.01, 0.99)


@dataclass(frozen=True, slots=True)
class Drift:
    """The largest drift that is no chance.

    Parameters
    ----------
    effect
        Largest |Cohen's d| among discovered columns; 0 where none was discovered, NaN
        where a column could not be compared.
    column
        Where it is; "" for none.
    discovered, compared
        Columns whose difference is real, and all that were compared.
    """

    effect: float
    column: str
    discovered: int
    compared: int


def find_drift(now: pd.DataFrame, before: pd.DataFrame, alpha: float, seed: int) -> Drift:
    """Compare features, text length and the text's projection on seeded samples.

    Parameters
    ----------
    now, before
        Rows with the contract's columns.
    alpha
        False discovery rate.
    """
    a, b = (_view(rows, seed) for rows in (now, before))
    names = [name for name in a.columns if name in b.columns]
    left, right = (frame[names].to_numpy(np.float64) for frame in (a, b))
    effect, p = _compare(left, right)
    real = _discoveries(p, alpha)
    if not real.any():
        return Drift(0.0, "", 0, len(names))
    top = int(np.argmax(np.where(real, np.abs(effect), -1.0)))
    return Drift(float(abs(effect[top])), names[top], int(real.sum()), len(names))


def _view(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give a sample's comparable columns: features, and texts by length and direction."""
    some = rows.iloc[sample_positions(len(rows), seed, DRIFT_ROWS)].reset_index(drop=True)
    view = some[[c for c in some.columns if c.startswith(FEATURE_PREFIX)]]
    texts = some["text"].dropna()
    if texts.empty:
        return view
    length = np.log1p(texts.str.len().to_numpy(np.float64))
    projected = project_text(texts).astype(np.float64)
    told = pd.DataFrame(
        np.column_stack([length, projected]),
        index=texts.index,
        columns=["text length", *(f"text direction {i}" for i in range(projected.shape[1]))],
    )
    return view.join(told)


def _compare(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cohen's d and Welch's p per column; tails are clipped, lest one row hide a shift."""
    low, high = _quantiles(np.vstack([a, b]))
    left, right = _Moments.of(np.clip(a, low, high)), _Moments.of(np.clip(b, low, high))
    gap = left.mean - right.mean
    spread = np.sqrt((left.variance + right.variance) / 2)
    error = np.sqrt(left.variance / left.n + right.variance / right.n)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(gap == 0, 0.0, gap / spread)
        t = np.where(gap == 0, 0.0, np.abs(gap) / error)
    return effect, _tail(t, left, right)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Per column: how many values there are, their mean and variance."""

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> _Moments:
        seen = np.isfinite(x)
        n = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, x, 0.0).sum(axis=0) / n
        centred = np.where(seen, x - mean, 0.0)
        return cls(n, mean, (centred**2).sum(axis=0) / np.maximum(n - 1, 1))


def _quantiles(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.where(np.isfinite(x).any(axis=0), np.where(np.isfinite(x), x, np.nan), 0.0)
    low, high = np.nanquantile(known, _TAILS, axis=0)
    return low, high


def _tail(t: np.ndarray, a: _Moments, b: _Moments) -> np.ndarray:
    """Two-sided p with Welch's degrees of freedom; a column seen on one side only says 1."""
    from scipy import stats

    u, v = a.variance / a.n, b.variance / b.n
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (u + v) ** 2 / (u**2 / np.maximum(a.n - 1, 1) + v**2 / np.maximum(b.n - 1, 1))
    freedom = np.where(np.isfinite(freedom), np.maximum(freedom, 1.0), 1.0)
    p: np.ndarray = np.where((a.n > 1) & (b.n > 1), 2 * stats.t.sf(t, freedom), 1.0)
    return p


def _discoveries(p: np.ndarray, alpha: float) -> np.ndarray:
    from scipy.stats import false_discovery_control

    if p.size == 0:
        return np.zeros(0, dtype=bool)
    found: np.ndarray = false_discovery_control(p) <= alpha
    return found
