"""How groups that behave alike turned out: log-likelihood ratios from known towns.

``reference.csv`` holds groups that this detector's own search found in seeded towns, with
what each really was (``benchmarks/actors/calibrate.py`` writes it). A gradient-boosted
classifier is fitted on it at first use, so that nothing unreadable is shipped, and more
towns, or people's own, are more lines. It is monotone where reason demands it: more
choices, more surprise and more inwardness never speak for a group; belonging together by
topic, busier people doing more, differing and coming back, never against it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from detectors.actors.groups.behaviour import Behaviours

MOST = 8.0
"""Most nats that the reference may say, either way: it has a few thousand lines."""

HONEST = ("honest", "class", "crowd", "clan", "team", "reader")

_DIRECTIONS = {
    "choices": 1,
    "margin": 1,
    "inward": 1,
    "topic": -1,
    "slope": -1,
    "uneven": -1,
    "again": -1,
    "density": 0,
    "exclusive": 0,
    "focus": 0,
    "size": 0,
    "own_life": 0,
}
_FILE = Path(__file__).with_name("reference.csv")


def log_likelihood_ratio(found: Behaviours, unheard: frozenset[str] = frozenset()) -> np.ndarray:
    """(G,) float64 nats for "campaign" against "honest people together", at most ``MOST``.

    Parameters
    ----------
    unheard
        Kinds of group that are left out of the reference, to learn how it judges what it
        has not seen.
    """
    if found.size.size == 0:
        return np.zeros(0)
    model, odds = _fitted(unheard)
    share = model.predict_proba(found.matrix(tuple(_DIRECTIONS)))[:, 1]
    nats: np.ndarray = np.clip(np.log(share) - np.log1p(-share) - odds, -MOST, MOST)
    return nats


@cache
def _fitted(unheard: frozenset[str]) -> tuple[Any, float]:
    """Fit the classifier; give it with the log-odds of a campaign in the reference."""
    table = pd.read_csv(_FILE)
    table = table[~table["kind"].isin(unheard)]
    campaign = ~table["kind"].isin(HONEST).to_numpy()
    weight = table["weight"].to_numpy(np.float64)
    odds = float(np.log(weight[campaign].sum() / weight[~campaign].sum()))
    return classifier().fit(table[list(_DIRECTIONS)].to_numpy(), campaign, weight), odds


def classifier() -> Any:
    """Give the classifier, unfitted."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        monotonic_cst=list(_DIRECTIONS.values()),
        early_stopping=False,
        random_state=0,
    )
