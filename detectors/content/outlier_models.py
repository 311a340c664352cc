"""Models of a label's shape, by PyOD, and the rule that chooses one.

The rule: the model that best tells rows that it has not seen from the same rows with each
feature shuffled among them. Shuffled rows have honest values and break what ties the
features together; no outlier, planted or real, takes part in the choice but as one row.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

MAX_FIT: Final = 50_000
"""Rows of a label that ECOD ranks together, and that the others learn from."""

MODELS: Final = ("gaussian", "iforest", "ecod")
"""Candidates; of equals the first is chosen."""

_SAMPLE: Final = 2_000
"""Rows of a label that the choice is made on."""

_TREES: Final = 50
_RIDGE: Final = 1.0
"""Variance added, in squared robust deviations: narrow directions of honest rows are chance."""


def choose(x: np.ndarray, rng: np.random.Generator) -> str:
    """Name the model that tells these rows best from their shuffled selves.

    Parameters
    ----------
    x
        (n, d) rows of one label; half of at most 2,000 teach, the other half are told.
    """
    from sklearn.metrics import roc_auc_score

    some = rng.permutation(len(x))[:_SAMPLE]
    seen, unseen = np.array_split(x[some], 2)
    shuffled = np.stack([rng.permutation(column) for column in unseen.T], axis=1)
    truth = np.repeat([0, 1], len(unseen))
    told = np.vstack([unseen, shuffled])
    areas = [roc_auc_score(truth, _score(_fit(name, seen, 0), told)) for name in MODELS]
    # Rounded, so that noise does not pass for a difference.
    return MODELS[int(np.argmax(np.round(areas, 2)))]


def outlier_scores(name: str, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) scores by one model, larger is farther out; ECOD ranks in even random blocks."""
    blocks = list(_blocks(len(x), rng))
    seed = int(rng.integers(2**31))
    model = None if name == "ecod" else _fit(name, x[blocks[0]], seed)
    scores = np.zeros(len(x))
    for block in blocks:
        scores[block] = _score(model or _fit(name, x[block], seed), x[block])
    # Squared distances of a Gaussian are skewed, distances hardly.
    return np.sqrt(scores - scores.min()) if name == "gaussian" else scores


def _fit(name: str, x: np.ndarray, seed: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _made(name, seed).fit(x)


def _made(name: str, seed: int) -> Any:
    if name == "gaussian":
        from pyod.models.gmm import GMM

        return GMM(n_components=1, reg_covar=_RIDGE, random_state=seed)
    if name == "iforest":
        from pyod.models.iforest import IForest

        return IForest(n_estimators=_TREES, random_state=seed, n_jobs=1)
    from pyod.models.ecod import ECOD

    return ECOD()


def _score(model: Any, x: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores: np.ndarray = np.asarray(model.decision_function(x), dtype=np.float64)
    return scores


def _blocks(n: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random even parts of at most ``MAX_FIT`` rows, each in canonical order."""
    for part in np.array_split(rng.permutation(n), -(-n // MAX_FIT)):
        yield np.sort(part)
