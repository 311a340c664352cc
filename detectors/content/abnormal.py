"""The second model of Cretu et al. (IEEE S&P 2008): what was voted out looks alike.

Rows that the vote threw out train a model of their own, and a row that it recognises is
more suspicious than its own vote says. Honest rows at a boundary are voted out, too, and
look alike: trained on all that was voted out, the model cost a sixth of the recall of
random flips on hard data. So it learns from the actors that are disputed more than usual,
and whatever it also sees in everybody else is no evidence.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from detectors.content.calibration import capped_weights
from detectors.content.conformal import conformal_nats
from detectors.content.excess import Norm
from detectors.content.matrix import learnable
from detectors.content.slices import actor_slices
from foretaste.core.batch import Batch, Votes

_FOLDS = 4
_SALTS = 8
_MIN_ROWS = 5
_SHAPE = 0.9
_LEAST_ROWS = 20
_LEAST_ACTORS = 2
_MOST_ROWS = 8_000
_ITERATIONS = 40
_C = 0.1


def recognised(batch: Batch, votes: Votes, llr: np.ndarray, *, high: float) -> np.ndarray:
    """(n,) nats, at least 0, that a row is one of those that were voted out.

    Label by label, a linear model tells the suspects' rows that were voted out from all
    rows of other actors; it never saw the actor of the row that it judges. The others'
    rows are its null. Fewer than 20 rows or 2 suspects have no shape, nor have rows that
    the model does not recognise again.

    Parameters
    ----------
    votes
        On the rows of the batch.
    llr
        (n,) nats that the votes alone give.
    high
        Nats at which the evidence is clipped.
    """
    norm = Norm.of(batch, votes.disagreement, min_rows=_MIN_ROWS)
    suspect = norm.llr(batch.actors, prior=0.1, min_rows=_MIN_ROWS)[batch.actors] > 0
    out, others = suspect & (llr > 0), norm.known & ~suspect
    nats = np.zeros(batch.n_rows)
    if np.count_nonzero(out) < _LEAST_ROWS:
        return nats
    score = _scores(batch, out, others)
    null = others * capped_weights(batch.contributors, batch.labels)
    nats = conformal_nats(score, batch.labels, null, low=0.0, high=high)
    for label in np.unique(batch.labels[out]):
        mine = batch.labels == label
        again = nats[mine & out & np.isfinite(score)]
        if again.size and np.median(again) < _SHAPE:
            nats[mine] = 0.0
    return nats


def _scores(batch: Batch, out: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) likeness to rows voted out of the label; NaN where too few taught it."""
    x = learnable(batch)
    # The last of many slicings: none of those that the votes were cast by.
    fold = actor_slices(batch, _FOLDS, _SALTS)[-1]
    score = np.full(batch.n_rows, np.nan)
    for label in np.unique(batch.labels[out]):
        mine = np.flatnonzero(batch.labels == label)
        for code in np.unique(fold[mine]):
            here, away = mine[fold[mine] == code], mine[fold[mine] != code]
            bad, good = away[out[away]], away[others[away]]
            enough = min(bad.size, good.size) >= _LEAST_ROWS
            if enough and np.unique(batch.actors[bad]).size >= _LEAST_ACTORS:
                rng = np.random.default_rng([batch.seed, int(label), int(code)])
                score[here] = _likeness(x, _some(bad, rng), _some(good, rng), here)
    return score


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most so many of the rows, in order."""
    if rows.size <= _MOST_ROWS:
        return rows
    return np.sort(rng.choice(rows, _MOST_ROWS, replace=False))


def _likeness(x: Any, bad: np.ndarray, good: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How much like the voted out, unlike the kept, each row is."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=_C, max_iter=_ITERATIONS, tol=1e-3, class_weight="balanced")
    teaching = np.concatenate([bad, good])
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[teaching], np.arange(teaching.size) < bad.size)
        score: np.ndarray = model.decision_function(x[rows])
    return score.astype(np.float64)
