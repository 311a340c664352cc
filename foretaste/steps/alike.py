"""Accepted rows that look most like a held one, to be read beside it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.contract import FEATURE_PREFIX

_EACH: Final = 3
_COMPARED_CHARS: Final = 600
_SHOWN_CHARS: Final = 300
_WORDS: Final = 2**14


def alike(rows: pd.DataFrame, accepted: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Find the accepted rows nearest to some held ones, by words or else by features.

    Parameters
    ----------
    rows
        Held rows indexed by ``row_id``; a few hundred at most.
    accepted
        Columns ``row_id, label, text`` and features; ten thousand at most.

    Returns
    -------
    dict
        Per row up to three of ``row_id, label, text, distance``, the nearest first;
        ``distance`` is one minus the cosine of hashed words, or the distance in standard
        deviations per feature.
    """
    if rows.empty or accepted.empty:
        return {}
    distance = _distances(rows, accepted)
    if distance is None:
        return {}
    found = {}
    for i, row_id in enumerate(rows.index):
        line = distance[i]
        line = np.where(accepted["row_id"].to_numpy(object) == row_id, np.inf, line)
        nearest = np.lexsort((np.arange(line.size), line))[:_EACH]
        found[str(row_id)] = [_told(accepted.iloc[at], float(line[at])) for at in nearest.tolist()]
    return found


def _told(row: pd.Series, distance: float) -> dict[str, Any]:
    text = row.get("text")
    return {
        "row_id": str(row["row_id"]),
        "label": str(row["label"]),
        "text": None if pd.isna(text) else str(text)[:_SHOWN_CHARS],
        "distance": round(distance, 3),
    }


def _distances(rows: pd.DataFrame, accepted: pd.DataFrame) -> np.ndarray | None:
    """(n, m) distances; None where there is nothing to compare."""
    if "text" in rows and rows["text"].notna().mean() > 0.5 and "text" in accepted:
        from sklearn.feature_extraction.text import HashingVectorizer

        words = HashingVectorizer(n_features=_WORDS, alternate_sign=False)
        ours, theirs = (
            words.transform(f["text"].fillna("").astype(str).str.slice(0, _COMPARED_CHARS))
            for f in (rows, accepted)
        )
        cosine: np.ndarray = (ours @ theirs.T).toarray()
        return 1.0 - cosine
    names = [c for c in rows.columns if c.startswith(FEATURE_PREFIX) and c in accepted]
    return _by_features(rows[names], accepted[names]) if names else None


def _by_features(rows: pd.DataFrame, accepted: pd.DataFrame) -> np.ndarray:
    known = accepted.to_numpy(float)
    mean, sd = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scale = np.where(sd > 0, sd, 1.0)
    ours, theirs = (
        np.nan_to_num(np.clip((f.to_numpy(float) - mean) / scale, -10, 10))
        for f in (rows, accepted)
    )
    square = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2.0 * ours @ theirs.T
    distance: np.ndarray = np.sqrt(np.maximum(square, 0.0) / ours.shape[1])
    return distance
