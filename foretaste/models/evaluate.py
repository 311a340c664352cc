"""Judge a model on trusted rows: the golden set, the canaries, the logged traffic."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError
from foretaste.models.measure import METRICS, measure
from foretaste.models.predict import Predicted, predict
from foretaste.models.train import Predictor

log = logging.getLogger(__name__)
_BINS: Final = 15
_FLOOR: Final = 1e-15


@dataclass(frozen=True, slots=True)
class TrustedSets:
    """Rows that people vouch for; None where the user keeps no such set.

    Parameters
    ----------
    golden
        ``label``, the models' inputs and, where there is one, ``contributor_id``.
    canaries
        See ``foretaste.models.canaries``.
    traffic
        See ``foretaste.models.compare``.
    """

    golden: pd.DataFrame | None
    canaries: pd.DataFrame | None
    traffic: pd.DataFrame | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A model with its predictions on every trusted set; None: no such set, or not scorable.

    Parameters
    ----------
    digest, model_bytes, n_rows
        Which model, its size on disk, the rows it was trained on.
    golden, canaries, traffic
        Predictions, in the order of the sets' rows.
    """

    digest: str
    model_bytes: int
    n_rows: int
    golden: Predicted | None
    canaries: Predicted | None
    traffic: Predicted | None


def score(
    model: Predictor, sets: TrustedSets, *, digest: str, model_bytes: int, n_rows: int
) -> Scored:
    """Predict the trusted sets once, for all gates.

    A set without the columns that the model reads is not scored: the gates that need it
    are then undecided, and hold.
    """
    told = (_predicted(model, rows) for rows in (sets.golden, sets.canaries, sets.traffic))
    return Scored(digest, model_bytes, n_rows, *told)


def evaluate(said: Predicted, truth: pd.Series) -> dict[str, float | None]:
    """Measure unweighted metrics of predictions against trusted labels.

    Returns
    -------
    ``accuracy, balanced_accuracy, f1_macro`` (more is better), ``log_loss`` in nats and
    ``ece`` (less is better), ``rows`` that were measured. Rows without a label are left
    out; all are None where no row is left or the model's answers are not finite.
    """
    known = truth.notna().to_numpy()
    labels = truth.astype(str).to_numpy(object)[known]
    names = (*METRICS, "log_loss", "ece")
    probability = said.probability[known]
    if not known.any() or not np.isfinite(probability).all():
        return dict.fromkeys(names) | {"rows": float(known.sum())}
    values: list[float | None] = [
        measure(metric, labels, said.labels[known]) for metric in METRICS.values()
    ]
    values += [log_loss(said.classes, probability, labels), calibration_error(said, known, labels)]
    return dict(zip(names, values, strict=True)) | {"rows": float(known.sum())}


def log_loss(classes: tuple[str, ...], probability: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-probability of the true label, nats; at most 34.5 a row.

    A label that the model does not know has probability 0, clipped to 1e-15.
    """
    column = {name: i for i, name in enumerate(classes)}
    codes = np.array([column.get(label, -1) for label in labels])
    given = np.where(codes >= 0, probability[np.arange(len(codes)), codes], 0.0)
    return float(-np.log(np.clip(given, _FLOOR, 1.0)).mean())


def calibration_error(said: Predicted, known: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error over 15 bins of confidence (Naeini et al. 2015).

    Parameters
    ----------
    known
        (n,) bool, which of the predicted rows have a label.
    labels
        Their labels, in the same order.
    """
    confidence = said.probability[known].max(axis=1)
    right = said.labels[known] == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gap = np.bincount(bins, weights=right - confidence, minlength=_BINS)
    return float(np.abs(gap).sum() / len(labels)) if len(labels) else math.nan


def _predicted(model: Predictor, rows: pd.DataFrame | None) -> Predicted | None:
    if rows is None:
        return None
    try:
        return predict(model, rows)
    except ContractError as error:
        log.warning("a trusted set cannot be scored: %s", error)
        return None
