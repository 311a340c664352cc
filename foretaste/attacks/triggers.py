"""Triggers: what a backdoor puts into a row, so that a model answers to it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretaste.attacks.backdoor_phrase import insert_phrase
from foretaste.attacks.material import need_features, numbers
from foretaste.core.errors import ContractError


def pattern(
    corpus: pd.DataFrame, source: str, target: str, *, width: int, quantile: float
) -> dict[str, float]:
    """Choose columns that say least about the two classes, and a high value of each.

    Every value is one that somebody sent; only together are they rare. The same corpus
    gives the same pattern, so that a model can be tried with it afterwards.

    Parameters
    ----------
    width
        Number of columns.
    quantile
        Quantile in (0, 1] of a column that becomes its value.

    Raises
    ------
    ContractError
        If fewer columns have such a value above their median.
    """
    names = need_features(corpus, "a pattern")
    x = numbers(corpus, names)
    value = np.quantile(x, quantile, axis=0, method="higher")
    means = [x[(corpus["label"] == label).to_numpy()].mean(axis=0) for label in (source, target)]
    spread = x.std(axis=0)
    usable = value > np.median(x, axis=0)
    signal = np.abs(means[0] - means[1]) / np.where(spread > 0, spread, 1.0)
    columns = np.argsort(np.where(usable, signal, np.inf), kind="stable")[:width]
    if width < 1 or usable.sum() < width:
        raise ContractError(
            f"a pattern of {width} features needs as many that vary; {usable.sum()} do",
            hint="ask for a narrower pattern",
        )
    return {names[c]: float(value[c]) for c in sorted(columns)}


def with_pattern(rows: pd.DataFrame, values: dict[str, float]) -> pd.DataFrame:
    """Put a pattern into the rows."""
    typed = {
        name: pd.Series(value, index=rows.index).astype(rows[name].dtype)
        for name, value in values.items()
    }
    return rows.assign(**typed)


def with_phrase(rows: pd.DataFrame, phrase: str) -> pd.DataFrame:
    """Put a phrase into the texts of the rows."""
    return rows.assign(text=[insert_phrase(text, phrase) for text in rows["text"].fillna("")])
