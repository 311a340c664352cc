"""What attacks look at and change: classes, numbers, words, and a surrogate's space.

An attacker sees public rows and knows the code. Whatever is computed here needs nothing
else; rows are put in one order first, so that their order in a file changes nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foretaste.attacks.base import content_key, relabelled
from foretaste.core.contract import FEATURE_PREFIX
from foretaste.core.errors import ContractError
from foretaste.core.features import dense_features


def canonical(contributions: pd.DataFrame) -> pd.DataFrame:
    """Put the rows in the order of their ids."""
    return contributions.sort_values(["contribution_id", "contributor_id"], ignore_index=True)


def pair(contributions: pd.DataFrame, source: str | None, target: str | None) -> tuple[str, str]:
    """Settle which class is pushed to which; where not said, the most frequent is the target.

    Raises
    ------
    ContractError
        If either has no rows, or both are one.
    """
    counts = contributions["label"].value_counts().sort_index()
    ranked = [str(label) for label in counts.sort_values(ascending=False, kind="stable").index]
    goal = target or next((label for label in ranked if label != source), "")
    origin = source or next((label for label in ranked if label != goal), "")
    if not {origin, goal} <= set(ranked) or origin == goal:
        raise ContractError(
            f"an attack from {origin!r} to {goal!r} needs rows of two classes",
            hint=f"the classes here are {', '.join(ranked[:5]) or 'none'}",
        )
    return origin, goal


def feature_names(contributions: pd.DataFrame) -> list[str]:
    """Names of the numeric features."""
    return [str(c) for c in contributions if str(c).startswith(FEATURE_PREFIX)]


def need_features(contributions: pd.DataFrame, attack: str) -> list[str]:
    """Give the names of the features.

    Raises
    ------
    ContractError
        If there are none.
    """
    names = feature_names(contributions)
    if not names:
        raise ContractError(
            f"{attack} moves {FEATURE_PREFIX}* columns, and the contributions have none",
            hint="choose an attack that text can carry",
        )
    return names


def need_content(contributions: pd.DataFrame, attack: str) -> None:
    """Make sure that rows have a text or features.

    Raises
    ------
    ContractError
        If they have neither.
    """
    if "text" not in contributions and not feature_names(contributions):
        raise ContractError(
            f"{attack} chooses rows by their content, and the contributions have none",
            hint=f"give a text or {FEATURE_PREFIX}* columns",
        )


def need_text(contributions: pd.DataFrame, attack: str) -> None:
    """Make sure that rows have a text.

    Raises
    ------
    ContractError
        If they have none.
    """
    if "text" not in contributions:
        raise ContractError(
            f"{attack} writes into texts, and the contributions have none",
            hint="choose an attack that features can carry",
        )


def distinct(contributions: pd.DataFrame, marked: pd.Series) -> pd.Series:
    """Of the rows marked, mark the first of each content."""
    again = content_key(contributions)[marked].duplicated()
    return marked & ~again.reindex(contributions.index, fill_value=True)


def numbers(contributions: pd.DataFrame, names: list[str]) -> np.ndarray:
    """(n, d) float64 values; missing ones become the column's median, or 0."""
    values = contributions[names].astype(np.float64)
    filled: np.ndarray = values.fillna(values.median()).fillna(0.0).to_numpy()
    return filled


def space(contributions: pd.DataFrame) -> np.ndarray:
    """(n, d) float64: the view of rows that detectors share, computed as they do."""
    rows = contributions if "text" in contributions else contributions.assign(text=None)
    return dense_features(rows).astype(np.float64)


def with_numbers(
    rows: pd.DataFrame, values: np.ndarray, like: pd.DataFrame, *, bounded: bool = True
) -> pd.DataFrame:
    """Give the rows other numbers, as whole as everybody's and, if bounded, within their range.

    Parameters
    ----------
    values
        (n, d) float64, aligned with the features of ``like``.
    """
    changed = rows.copy()
    for column, name in enumerate(feature_names(like)):
        theirs = like[name].dropna()
        mine = values[:, column]
        if bounded and len(theirs):
            mine = np.clip(mine, theirs.min(), theirs.max())
        if len(theirs) and bool((theirs == np.rint(theirs)).all()):
            mine = np.rint(mine)
        changed[name] = pd.Series(mine, index=rows.index).astype(like[name].dtype)
    return changed


def turned_to(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """Give all rows one label."""
    return relabelled(rows, pd.Series(label, index=rows.index))


def turned_around(
    rows: pd.DataFrame, contributions: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Give each row any label that it does not have.

    Raises
    ------
    ContractError
        If there is no other label.
    """
    classes = np.array(sorted(contributions["label"].unique()), dtype=object)
    if len(classes) < 2:
        raise ContractError("labels cannot be turned around: there is one class only")
    code = np.searchsorted(classes, rows["label"].to_numpy(object))
    step = rng.integers(1, len(classes), size=len(rows))
    return relabelled(rows, pd.Series(classes[(code + step) % len(classes)], index=rows.index))


def near_copies(
    rows: pd.DataFrame, like: pd.DataFrame, share: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Change every row a little: drop a share of its words, move numbers by that share.

    Parameters
    ----------
    share
        Of the words dropped, and of a feature's standard deviation.
    """
    names = feature_names(like)
    changed = rows.copy()
    if "text" in rows:
        changed["text"] = [_thinned(text, share, rng) for text in rows["text"].fillna("")]
    if not names:
        return changed
    values = numbers(rows, names)
    spread = numbers(like, names).std(axis=0) * share
    return with_numbers(changed, values + rng.normal(size=values.shape) * spread, like)


def _thinned(text: str, share: float, rng: np.random.Generator) -> str:
    words = text.split(" ")
    kept = rng.random(len(words)) >= share
    return " ".join(word for word, keep in zip(words, kept, strict=True) if keep) or text
