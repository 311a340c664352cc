"""Rows whose features lie far outside their own label, by PyOD."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from detectors.base import Estimator
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

MAX_FIT = 50_000
"""Rows of a label that ECOD ranks together, and that the forest may learn from."""

_BODY = (0.5, 0.8413)
_RARE = 1e-3
_MAX_Z = 40.0


class Outliers(Estimator):
    """Score rows within their label by ECOD and isolation forest; speak of extremes only.

    Sees rows with feature values that honest rows of the label do not have: crude
    outliers, broken clients, some triggers. PyOD's own labels, which flag a fixed share
    of clean data, are not used: the tail of the scores is extrapolated from their body,
    and only a row that a normal tail makes rarer than one in 1,000 has evidence.

    Cannot see poison inside the honest range: flips, skewed boundaries, collusion,
    copies. Alone it is far too weak to hold a row; its cap says so.

    Cost: O(n d log n) in blocks of 50,000 rows (ECOD; Li et al. 2022) and O(n) for the
    forest (Liu, Ting and Zhou 2008), which learns from 50,000 rows of a label at most.

    Parameters
    ----------
    max_llr
        Cap in nats.
    slope
        Nats per unit of log-rarity beyond the threshold.
    trees
        Trees of the forest.
    min_rows
        Rows of a label below which it is left alone.
    """

    name: str = "outliers"
    version: str = "1"
    family: str = "rows"
    heavy: bool = True

    def __init__(
        self, max_llr: float = 2.5, slope: float = 0.5, trees: int = 50, min_rows: int = 100
    ) -> None:
        self.max_llr = max_llr
        self.slope = slope
        self.trees = trees
        self.min_rows = min_rows

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row within its own label."""
        if batch.features.shape[1] == 0:
            return Opinion.abstain(self, batch.n_rows, "rows have no features")
        sizes = np.bincount(batch.labels, minlength=len(batch.classes))
        judged = np.flatnonzero(sizes >= self.min_rows)
        if judged.size == 0:
            return Opinion.abstain(self, batch.n_rows, f"no label has {self.min_rows} rows")
        rarity = np.zeros((2, batch.n_rows))
        for code in judged:
            rows = np.flatnonzero(batch.labels == code)
            x = _varying(np.asarray(batch.features)[rows])
            if x.shape[1]:
                rng = np.random.default_rng([batch.seed, int(code)])
                rarity[0, rows] = tail_rarity(_ecod(x, rng))
                rarity[1, rows] = tail_rarity(_forest(x, self.trees, rng))
        score = rarity.mean(axis=0)
        llr = to_micro_nats(np.maximum(self.slope * (score + np.log(_RARE)), 0), self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr):
            ecod, forest = rarity[:, row] / np.log(10)
            reason[row] = f"outlier: rarity ecod=1e-{ecod:.1f} iforest=1e-{forest:.1f}"
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())


def tail_rarity(scores: np.ndarray) -> np.ndarray:
    """(n,) -log of the probability of a larger score, by a tail fitted to the body.

    A normal tail through the median and the upper standard quantile (84.1 %) of the
    scores, so that outliers do not calibrate themselves; below that quantile it is 0.
    """
    from scipy.special import log_ndtr

    middle, upper = np.quantile(scores, _BODY)
    if upper <= middle:
        return np.zeros(scores.size)
    # A body of almost equal scores makes any other score infinitely rare.
    z = np.minimum(scores - middle, _MAX_Z * (upper - middle)) / (upper - middle)
    rarity: np.ndarray = np.where(z > 1, -log_ndtr(-z), 0.0)
    return rarity


def _varying(x: np.ndarray) -> np.ndarray:
    """Columns that vary: ECOD's skewness of a constant is no number."""
    varying: np.ndarray = x[:, np.ptp(x, axis=0) > 0]
    return varying


def _ecod(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """ECOD scores, in random blocks of even size."""
    from pyod.models.ecod import ECOD

    scores = np.zeros(len(x))
    for block in _blocks(len(x), rng):
        scores[block] = ECOD().fit(x[block]).decision_scores_
    return scores


def _forest(x: np.ndarray, trees: int, rng: np.random.Generator) -> np.ndarray:
    """Isolation forest scores; it learns from the first block."""
    from pyod.models.iforest import IForest

    blocks = list(_blocks(len(x), rng))
    seed = int(rng.integers(2**31))
    model = IForest(n_estimators=trees, random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x[blocks[0]])
        scores = np.zeros(len(x))
        for block in blocks:
            scores[block] = model.decision_function(x[block])
    return scores


def _blocks(n: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random even parts of at most ``MAX_FIT`` rows, each in canonical order."""
    for part in np.array_split(rng.permutation(n), -(-n // MAX_FIT)):
        yield np.sort(part)
