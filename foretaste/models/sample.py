"""A few golden rows for what costs many questions, chosen by their content."""

from __future__ import annotations

import numpy as np
import pandas as pd


def sampled(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Take up to ``most`` labelled rows, the same whatever order they come in."""
    if "label" not in rows.columns:
        return rows.head(0)
    known = rows[rows["label"].notna()]
    hashed = pd.util.hash_pandas_object(known.astype(str), index=False).to_numpy()
    return known.iloc[np.argsort(hashed, kind="stable")[:most]].reset_index(drop=True)
