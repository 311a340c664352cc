"""Rows whose features lie far outside their own label, by PyOD."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.handed import HANDED, handed
from detectors.content.outlier_models import choose, outlier_scores
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_BODY = (0.5, 0.8413)
_RARE = 1e-5
_MAX_Z = 40.0


class Outliers(Estimator):
    """Score rows within their label by a model of its shape; speak of extremes only.

    Sees rows with feature values, or combinations of them, that honest rows of the label
    do not have: crude outliers, broken clients, some triggers. Each label is judged by the
    one of three models, a Gaussian, an isolation forest (Liu, Ting and Zhou 2008) or ECOD
    (Li et al. 2022), that tells its rows best from the same rows with their features
    shuffled. PyOD's own labels, which flag a fixed share of clean data, are not used: the
    tail of the scores is extrapolated from their body, and only a row that a normal tail
    makes rarer than one in 100,000 has evidence.

    Cannot see poison inside the honest range: flips, skewed boundaries, collusion,
    copies. Alone it is far too weak to hold a row; its cap says so.

    Cost: O(n d^2) for the Gaussian, O(n d log n) in blocks of 50,000 rows for ECOD; each
    learns from 50,000 rows of a label at most, and is chosen on 2,000.

    Parameters
    ----------
    max_llr
        Cap in nats.
    slope
        Nats per unit of log-rarity beyond the threshold.
    min_rows
        Rows of a label below which it is left alone.
    """

    name: str = "outliers"
    version: str = "2"
    family: str = "rows"
    heavy: bool = True

    def __init__(self, max_llr: float = 2.5, slope: float = 0.5, min_rows: int = 100) -> None:
        self.max_llr = max_llr
        self.slope = slope
        self.min_rows = min_rows

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row within its own label."""
        from threadpoolctl import threadpool_limits

        if batch.features.shape[1] == 0:
            return Opinion.abstain(self, batch.n_rows, "rows have no features")
        if handed(batch):
            return Opinion.abstain(self, batch.n_rows, HANDED)
        sizes = np.bincount(batch.labels, minlength=len(batch.classes))
        judged = np.flatnonzero(sizes >= self.min_rows)
        if judged.size == 0:
            return Opinion.abstain(self, batch.n_rows, f"no label has {self.min_rows} rows")
        rarity = np.zeros(batch.n_rows)
        model = np.full(batch.n_rows, "", dtype=object)
        # One thread: the last bits of a product depend on how threads share it.
        with threadpool_limits(1):
            for code in judged.tolist():
                rows = np.flatnonzero(batch.labels == code)
                x = _varying(np.asarray(batch.features)[rows])
                if x.shape[1]:
                    rng = np.random.default_rng([batch.seed, code])
                    model[rows] = chosen = choose(x, rng)
                    rarity[rows] = tail_rarity(outlier_scores(chosen, x, rng))
        llr = to_micro_nats(np.maximum(self.slope * (rarity + np.log(_RARE)), 0), self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr):
            reason[row] = f"outlier: rarity {model[row]}=1e-{rarity[row] / np.log(10):.1f}"
        return Opinion(self.name, self.version, self.family, llr, rarity, llr > 0, reason.tolist())


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
    z = np.clip(scores - middle, 0.0, _MAX_Z * (upper - middle)) / (upper - middle)
    rarity: np.ndarray = np.where(z > 1, -log_ndtr(-z), 0.0)
    return rarity


def _varying(x: np.ndarray) -> np.ndarray:
    """Columns that vary: ECOD's skewness of a constant is no number."""
    varying: np.ndarray = x[:, np.ptp(x, axis=0) > 0]
    return varying
