"""Conformal evidence: how strange a row is beside what was released and trusted before.

After Bates, Candes, Lei, Romano and Sesia, "Testing for outliers with conformal
p-values" (Annals of Statistics 2023), label by label (Mondrian), with the earlier
nights' rows as the calibration set; p-values become evidence by the calibrator of Vovk
and Wang, "E-values: calibration, combination and applications" (Annals of Statistics
2021). An honest row's evidence is worth at most one on average, whatever the score.
Tonight's rows have no part in the null: however many attackers come, they do not move it.
"""

from __future__ import annotations

import numpy as np

from detectors.content.calibration import LEAST_TRUSTED, capped_weights
from foretaste.core.batch import Batch

_SMALLEST = 1e-12


def trusted(batch: Batch) -> np.ndarray:
    """(n,) weights of the last trusted release as a null; 0 for tonight's rows.

    A row counts as it was accepted, and no contributor for more than a few rows of a label.
    """
    earlier = np.flatnonzero(~batch.tonight & (batch.history_weight > 0))
    out = np.zeros(batch.n_rows)
    out[earlier] = batch.history_weight[earlier] * capped_weights(
        batch.contributors[earlier], batch.labels[earlier]
    )
    return out


def conformal_nats(
    score: np.ndarray, labels: np.ndarray, null: np.ndarray, *, low: float, high: float
) -> np.ndarray:
    """(n,) nats that a row is strange for its label; exactly 0 where the null is too small.

    Parameters
    ----------
    score
        (n,) raw scores, larger is more suspicious; NaN gets 0 and is no part of the null.
        The score must treat earlier rows like tonight's, or the null is of another kind.
    labels
        (n,) codes; every label has a null of its own.
    null
        (n,) weights of the rows that are known to be good, as ``trusted`` gives them.
    low, high
        Nats at which the evidence is clipped.
    """
    p = conformal_p(score, labels, null)
    out: np.ndarray = np.clip(np.nan_to_num(p_to_nats(p)), low, high)
    return out


def conformal_p(score: np.ndarray, labels: np.ndarray, null: np.ndarray) -> np.ndarray:
    """(n,) conformal p-values in (0, 1] among good rows of the label; NaN where too few.

    The share of the null that scores as high, the row itself counted in with the weight
    of the heaviest; ties count against strangeness.
    """
    out = np.full(score.size, np.nan)
    known = np.isfinite(score)
    order = np.flatnonzero(known)[np.argsort(labels[known], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        good = rows[null[rows] > 0]
        if null[good].sum() < LEAST_TRUSTED:
            continue
        good = good[np.argsort(score[good], kind="stable")]
        below = np.concatenate([[0.0], np.cumsum(null[good])])
        above = below[-1] - below[np.searchsorted(score[good], score[rows], side="left")]
        own = null[good].max()
        out[rows] = (own + above) / (own + below[-1])
    return out


def p_to_nats(p: np.ndarray) -> np.ndarray:
    """Turn p-values into log e-values, in nats; NaN stays NaN.

    ``e = (1 - p + p ln p) / (p ln(p)**2)``, the mixture of all calibrators ``k p**(k-1)``:
    about 1.5 nats at p = 0.01, 3 at 0.001, and never below ln(1/2).
    """
    p = np.clip(p, _SMALLEST, 1.0)
    log = np.log(np.where(p < 1 - 1e-4, p, 0.5))
    e = (1 - p + p * log) / (p * log**2)
    # The formula is 0 / 0 at 1, and loses its digits near it.
    out: np.ndarray = np.log(np.where(p < 1 - 1e-4, e, 0.5))
    return np.where(np.isnan(p), np.nan, out)
