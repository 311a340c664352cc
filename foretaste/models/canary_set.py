"""The canaries as a versioned set that grows: its digest, and cases that join it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError, GateRefused
from foretaste.models.inputs import Inputs

#: Ids and columns that only tell where a canary came from.
_NOT_CONTENT = frozenset({"row_id", "contribution_id", "contributor_id"})


def canary_digest(canaries: pd.DataFrame | None) -> str:
    """SHA-256 of what the canaries ask, whatever their order, ids and files; "" for none."""
    if canaries is None:
        return ""
    told = canaries[sorted(set(canaries.columns) - _NOT_CONTENT)]
    lines = sorted(
        repr(row) for row in told.astype(object).where(told.notna(), None).to_numpy().tolist()
    )
    return hashlib.sha256("\n".join([*map(str, told.columns), *lines]).encode()).hexdigest()


def confirmed_canaries(
    case: str, rows: pd.DataFrame, true_label: str, agreed: Sequence[str], golden: pd.DataFrame
) -> pd.DataFrame:
    """Make canaries of a confirmed case, each beside the golden row that looks most like it.

    Look-alikes are trusted rows of the label that the attacker wanted: a model that learns
    to punish what only looks like the attack is caught by them.

    Parameters
    ----------
    case
        Names the attack: ``case-<case>``.
    rows
        Its poisoned rows: the models' inputs and ``label``, what the attacker said.
    true_label
        What reviewers say they are.
    agreed
        Who confirmed it: two different people at least, for canaries hold models for good.
    golden
        Trusted rows with ``label`` and the same inputs.

    Raises
    ------
    GateRefused
        If fewer than two people agreed.
    ContractError
        If no row's label differs from the true one: there is nothing to ask.
    """
    if len({name.strip() for name in agreed if name.strip()}) < 2:
        raise GateRefused(
            f"case {case} becomes canaries when a second person agrees",
            reasons=("confirmed by fewer than two people",),
            hint="ask another reviewer to confirm it",
        )
    lies = rows[rows["label"].astype(str) != true_label]
    if lies.empty:
        raise ContractError(f"no row of case {case} carries another label than {true_label!r}")
    inputs = list(Inputs.of(rows).columns)
    attack = lies[inputs].assign(attack=f"case-{case}", true_label=true_label)
    attack["target_label"] = lies["label"].astype(str)
    wanted = golden[golden["label"].isin(set(attack["target_label"]))]
    alike = wanted.iloc[_nearest(lies, wanted, inputs)] if len(wanted) else wanted
    honest = alike[inputs].assign(attack=None, target_label=None, true_label=alike["label"])
    return pd.concat([attack, honest], ignore_index=True).astype({"attack": "str"})


def _nearest(rows: pd.DataFrame, golden: pd.DataFrame, inputs: list[str]) -> np.ndarray:
    """Positions of the golden rows nearest to any of ``rows``, each once, in order."""
    from sklearn.neighbors import NearestNeighbors

    both = pd.concat([golden, rows], ignore_index=True)
    seen = _coordinates(both, inputs)
    found = NearestNeighbors(n_neighbors=1).fit(seen[: len(golden)])
    return np.unique(found.kneighbors(seen[len(golden) :], return_distance=False))


def _coordinates(rows: pd.DataFrame, inputs: list[str]) -> np.ndarray:
    from sklearn.feature_extraction.text import HashingVectorizer

    parts = [np.zeros((len(rows), 1))]
    numbers = [c for c in inputs if c != "text"]
    if numbers:
        ranks = rows[numbers].rank(pct=True).fillna(0.5).to_numpy(np.float64)
        parts.append(ranks / np.sqrt(len(numbers)))
    if "text" in inputs:
        words = HashingVectorizer(n_features=2**10)
        parts.append(words.transform(rows["text"].fillna("").astype(str)).toarray())
    return np.hstack(parts)
