"""Parts of the golden set on which a candidate got worse although the whole did not.

Slices are the values of the columns that the policy names. Segments are found: a shallow
tree looks on one half of the golden rows for where the candidate's loss rose over the
champion's, and only the other half says whether it is true there (honest splitting; Athey
and Imbens 2016). All of them together count as one test, corrected by Hommel's method.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate
from foretaste.core.policy import Gates
from foretaste.models.calibration import brier
from foretaste.models.family import Test, worst
from foretaste.models.golden import Golden
from foretaste.models.measure import Change, change, undecided
from foretaste.models.predict import Predicted

LEAST: Final = 20
"""Rows below which a slice or a segment is not asked."""
_DEPTH: Final = 3
_WORDS: Final = 300
_NOT_CONTENT: Final = frozenset({"text", "label", "row_id", "contribution_id", "contributor_id"})


@dataclass(frozen=True, slots=True)
class Part:
    """Some golden rows.

    Parameters
    ----------
    name
        What they have in common: ``country=x``, or the tree's conditions.
    rows
        (n,) bool over the labelled golden rows.
    """

    name: str
    rows: np.ndarray


def slices(rows: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[Part]:
    """Cut rows by the values of each column that is there, smallest names first."""
    for column in columns:
        if column in rows.columns:
            values = rows[column].astype(str).to_numpy(object)
            names, counts = np.unique(values, return_counts=True)
            for name in names[counts >= LEAST]:
                yield Part(f"{column}={name}", values == name)


def weak_segments(rows: pd.DataFrame, rise: np.ndarray, most: int) -> list[Part]:
    """Find up to ``most`` segments where the loss rose, worst first.

    Parameters
    ----------
    rows
        Golden rows; numbers, the label and the words of ``text`` are looked at.
    rise
        (n,) how much the loss of each rose over the champion's.

    Returns
    -------
    list
        Parts of the half of the rows that the tree has *not* seen.
    """
    from sklearn.tree import DecisionTreeRegressor

    seen, names = _content(rows)
    finding = _half(rows)
    if min(finding.sum(), (~finding).sum()) < 2 * LEAST or not names or not rise.any():
        return []
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=LEAST, random_state=0)
    tree.fit(seen[finding], rise[finding])
    leaf = tree.apply(seen)
    level = {int(n): float(tree.tree_.value[n, 0, 0]) for n in np.unique(leaf)}
    worst = sorted((n for n in level if level[n] > 0), key=lambda n: (-level[n], n))
    said = {n: _path(tree.tree_, n, names) for n in worst[:most]}
    found = [Part(said[n], (leaf == n) & ~finding) for n in worst[:most]]
    return [part for part in found if part.rows.sum() >= LEAST]


def slices_test(
    rows: pd.DataFrame, ours: Predicted, theirs: Predicted, golden: Golden, limits: Gates
) -> Test | Gate:
    """Ask every slice and segment whether more rows got worse than better there."""
    labelled = rows[golden.known].reset_index(drop=True)
    parts = list(slices(labelled, limits.slices))
    rise = brier(ours, golden) - brier(theirs, golden)
    parts += weak_segments(labelled, rise, limits.segments)
    missing = [column for column in limits.slices if column not in rows.columns]
    if missing:
        why = f"the golden set lacks {', '.join(missing)}"
        return undecided("weak_slices", threshold=_THRESHOLD, meaning=why, action=_COLUMN)
    wrong, before = (m.labels[golden.known] != golden.labels for m in (ours, theirs))
    who = golden.clusters
    found = [
        change(wrong[p.rows], before[p.rows], limits.alpha, None if who is None else who[p.rows])
        for p in parts
    ]
    return _worst(parts, found)


_THRESHOLD: Final = "no slice surely worse"
_COLUMN: Final = "add the columns of gates.slices to the golden set, or take them out of the policy"


def _worst(parts: list[Part], found: list[Change]) -> Test:
    none = change(np.zeros(1, dtype=bool), np.zeros(1, dtype=bool), 0.05)
    changes = found or [none]
    names = [part.name for part in parts] if found else ["none"]
    at, p_value = worst(names, [one.p_value for one in changes])
    seen = replace(changes[at], p_value=p_value)
    return Test(
        name="weak_slices",
        seen=seen.share,
        p_value=seen.p_value,
        threshold=_THRESHOLD,
        meaning=(
            f"net share of rows that got worse in the worst of {len(found)} slices and segments, "
            f"{names[at]}: {seen.worse} worse, {seen.better} better"
        ),
        action="look at the release's rows of that slice; `foretaste diff` shows what changed",
    )


def _half(rows: pd.DataFrame) -> np.ndarray:
    """Halve rows by their content, so that their order decides nothing."""
    hashed = pd.util.hash_pandas_object(rows.astype(str), index=False)
    return np.asarray(hashed.to_numpy() % 2 == 0)


def _content(rows: pd.DataFrame) -> tuple[Any, list[str]]:
    """Give what the tree may cut on: numbers, labels, the most frequent words; (n, d)."""
    parts, names = [], []
    for column in rows.columns:
        if column not in _NOT_CONTENT and pd.api.types.is_numeric_dtype(rows[column]):
            parts.append(rows[column].to_numpy(np.float64, na_value=np.nan).clip(-1e30, 1e30))
            names.append(str(column))
    for label in sorted(rows["label"].astype(str).unique()):
        parts.append((rows["label"].astype(str) == label).to_numpy(np.float64))
        names.append(f"label is {label}")
    table = np.column_stack(parts)
    if "text" not in rows.columns:
        return table, names
    words, vocabulary = _words(rows["text"].fillna("").astype(str))
    return np.column_stack([table, words]), names + vocabulary


def _words(text: pd.Series) -> tuple[np.ndarray, list[str]]:
    from sklearn.feature_extraction.text import CountVectorizer

    if not text.str.contains(r"\w\w").any():
        return np.zeros((len(text), 0)), []
    counter = CountVectorizer(binary=True, max_features=_WORDS)
    present = counter.fit_transform(text).toarray()
    return present, [f"text has {word!r}" for word in counter.get_feature_names_out()]


def _path(tree: Any, leaf: int, names: list[str]) -> str:
    """Say which conditions lead to a leaf."""
    parent = {int(c): (n, s) for s, kids in enumerate((tree.children_left, tree.children_right))
              for n, c in enumerate(kids) if c >= 0}  # fmt: skip
    said: list[str] = []
    while leaf in parent:
        leaf, right = parent[leaf]
        name, cut = names[tree.feature[leaf]], tree.threshold[leaf]
        said.append(_condition(name, float(cut), right=bool(right)))
    return " and ".join(reversed(said)) or "all rows"


def _condition(name: str, cut: float, *, right: bool) -> str:
    if name.startswith(("label is ", "text has ")):
        return name if right else f"not ({name})"
    return f"{name} {'>' if right else '<='} {cut:.3g}"
