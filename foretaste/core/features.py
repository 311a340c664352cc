"""The dense view of rows that detectors share.

Numeric features are scaled robustly; text becomes a seeded, data-independent random
projection of hashed n-grams (Achlioptas 2003; Li, Hastie and Church 2006), so that no
contributor can move another's coordinates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

TEXT_DIMENSIONS = 64
_HASHED = 2**16
_CHUNK = 20_000
_COLUMNS = 8


def robust_scale(x: np.ndarray) -> np.ndarray:
    """Centre by the median, divide by the interquartile range, clip to ±10.

    The scale has a floor of half the standard deviation between the 1 % and 99 %
    quantiles, so that a nearly constant column does not explode. Missing values
    become 0, the centre.

    Parameters
    ----------
    x
        (n, d) float64, NaN where missing.
    """
    dense = np.zeros_like(x, dtype=np.float32)
    if x.size == 0:
        return dense
    for columns in np.array_split(np.arange(x.shape[1]), -(-x.shape[1] // _COLUMNS)):
        at = slice(columns[0], columns[-1] + 1)
        dense[:, at] = _scaled(x[:, at])
    return dense


def _scaled(x: np.ndarray) -> np.ndarray:
    """Scale a few columns: every step makes another float64 copy of them."""
    finite = np.where(np.isfinite(x).any(axis=0), x, 0.0)
    low, q1, median, q3, high = np.nanquantile(finite, [0.01, 0.25, 0.5, 0.75, 0.99], axis=0)
    floor = 0.5 * np.nanstd(np.clip(finite, low, high), axis=0)
    scale = np.maximum((q3 - q1) / 1.349, floor)
    scaled = (finite - median) / np.where(scale > 0, scale, 1.0)
    clipped: np.ndarray = np.nan_to_num(np.clip(scaled, -10, 10))
    return clipped


def hashed_ngrams(texts: list[str]) -> Any:
    """(n, 65536) sparse counts of hashed words and word pairs, rows of unit length."""
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        n_features=_HASHED, ngram_range=(1, 2), alternate_sign=False, norm="l2", dtype=np.float32
    ).transform(texts)


def project_text(texts: pd.Series) -> np.ndarray:
    """(n, 64) float32 projection of texts; missing texts become the origin.

    The projection's seed is a constant of the format: results compare across nights.
    """
    from sklearn.random_projection import SparseRandomProjection

    projection = SparseRandomProjection(TEXT_DIMENSIONS, density=1 / 16, random_state=20_260_101)
    projection.fit(np.zeros((1, _HASHED), dtype=np.float32))
    out = np.zeros((len(texts), TEXT_DIMENSIONS), dtype=np.float32)
    for start in range(0, len(texts), _CHUNK):
        part = texts.iloc[start : start + _CHUNK].fillna("").astype(str).tolist()
        dense = projection.transform(hashed_ngrams(part))
        out[start : start + _CHUNK] = dense.toarray() if hasattr(dense, "toarray") else dense
    return out


def dense_features(rows: pd.DataFrame) -> np.ndarray:
    """(n, d) float32: scaled ``f_*`` columns, then the text projection where there is text."""
    numeric = [c for c in rows.columns if c.startswith("f_")]
    parts = []
    if numeric:
        parts.append(robust_scale(rows[numeric].to_numpy(np.float64)))
    if rows["text"].notna().any():
        parts.append(robust_scale(project_text(rows["text"]).astype(np.float64)))
    return np.hstack(parts) if parts else np.zeros((len(rows), 0), dtype=np.float32)
