"""Rows as an evader would send them: noise, rounding, misspelt words."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

_NOISE: Final = 0.05
_LEVELS: Final = 16


def augmented(rows: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Add a disturbed copy of a random share of the rows; both carry half of the weight.

    Nobody's influence grows: caps on weights hold as they did.

    Parameters
    ----------
    rows
        Sorted, with ``weight`` and ``row_id``.
    share
        From 0, which changes nothing, to 1.
    """
    if share <= 0 or rows.empty:
        return rows
    rng = np.random.default_rng([seed, 7])
    again = rng.random(len(rows)) < share
    weight = rows["weight"].to_numpy(np.float64)
    halved = rows.assign(weight=np.where(again, weight / 2, weight))
    if not again.any():
        return rows
    copies = disturbed(halved[again].reset_index(drop=True), rng)
    return pd.concat([halved, copies], ignore_index=True)


def disturbed(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add noise of 5 % of the spread, round to 16 levels, misspell one word in 20."""
    out = rows.copy()
    for column in numbers_of(rows):
        values = rows[column].to_numpy(np.float64, na_value=np.nan, copy=True)
        values[~np.isfinite(values)] = np.nan
        # Quantiles: one contributor's far value must not set everybody's noise and levels.
        low, left, right, high = np.nanquantile(values, [0.01, 0.16, 0.84, 0.99])
        width = max((high - low) / (_LEVELS - 1), 1e-12)
        noisy = values + rng.normal(0.0, _NOISE * (right - left) / 2, len(values))
        out[column] = low + np.rint((noisy - low) / width) * width
    if "text" in rows.columns:
        out["text"] = [_misspelt(str(t), rng) for t in rows["text"].fillna("")]
    return out


def _misspelt(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    hit = rng.random(len(words)) < _NOISE
    return " ".join(swapped(w, rng) if h else w for w, h in zip(words, hit, strict=True))


def swapped(word: str, rng: np.random.Generator) -> str:
    """Swap two neighbouring letters."""
    if len(word) < 2:
        return word
    at = int(rng.integers(len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def numbers_of(rows: pd.DataFrame) -> list[str]:
    """Name the numeric features that have any finite value."""
    names = [c for c in rows.columns if str(c).startswith("f_")]
    return [c for c in names if np.isfinite(rows[c].to_numpy(np.float64, na_value=np.nan)).any()]
