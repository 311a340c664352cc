"""Which rows lie near the boundary between two classes: the cheapest ones to push over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foretaste.core.contract import FEATURE_PREFIX


def near_boundary(contributions: pd.DataFrame, source: str, target: str) -> pd.Series:
    """Mark the half of ``source`` that lies nearest to the centre of ``target``.

    Nearness is the cosine with the difference of the two classes' centres, over hashed
    words and scaled ``f_*`` columns; an attacker who sees public rows can compute it.
    """
    space = _space(contributions)
    is_source = (contributions["label"] == source).to_numpy()
    is_target = (contributions["label"] == target).to_numpy()
    if not is_source.any() or not is_target.any():
        return pd.Series(is_source, index=contributions.index)
    direction = _centre(space[is_target]) - _centre(space[is_source])
    lean = np.asarray(space @ direction).ravel()
    return pd.Series(is_source & (lean >= np.median(lean[is_source])), index=contributions.index)


def _space(contributions: pd.DataFrame) -> Any:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    parts: list[Any] = []
    if "text" in contributions:
        hashed = HashingVectorizer(n_features=2**16, alternate_sign=False)
        parts.append(hashed.transform(contributions["text"].fillna("").astype(str)))
    names = [c for c in contributions if str(c).startswith(FEATURE_PREFIX)]
    if names:
        values = np.nan_to_num(contributions[names].to_numpy(np.float64))
        spread = values.std(axis=0)
        scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        parts.append(csr_matrix(scaled))
    return hstack(parts).tocsr() if parts else csr_matrix((len(contributions), 1))


def _centre(rows: Any) -> np.ndarray:
    return np.asarray(rows.mean(axis=0)).ravel()
