"""Ask a model: labels and probabilities, equal on every machine and thread count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.errors import ContractError
from foretaste.models.train import Predictor

_CHUNK: Final = 50_000
_KEYS: Final = ("row_id", "contribution_id", "unit_id")


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions for rows, in the rows' own order.

    Parameters
    ----------
    classes
        Labels in the order of the columns of ``probability``.
    labels
        (n,) object, the most probable label; the first of the sorted ones at a tie.
    probability
        (n, k) float64.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    probability: np.ndarray

    @property
    def finite(self) -> bool:
        """False when the model answered with NaN or infinity anywhere."""
        return bool(np.isfinite(self.probability).all())


def predict(model: Predictor, rows: pd.DataFrame) -> Predicted:
    """Predict every row, a chunk at a time so that memory does not grow with the rows.

    Raises
    ------
    ContractError
        If a column that the model reads is not there.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        parts = list(_chunks(model, rows))
    probability = np.vstack(parts) if parts else np.zeros((0, len(model.classes)))
    names = np.asarray(model.classes, dtype=object)
    return Predicted(model.classes, names[probability.argmax(axis=1)], probability)


def _chunks(model: Predictor, rows: pd.DataFrame) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), _CHUNK):
        view = model.inputs.frame(rows.iloc[start : start + _CHUNK])
        yield np.asarray(model.model.predict_proba(view), dtype=np.float64)


def predictions(model: Predictor, rows: pd.DataFrame) -> pa.Table:
    """Tabulate predictions: the rows' key, ``predicted``, ``p_<class>`` each; sorted by key.

    The key is the first of ``row_id``, ``contribution_id`` and ``unit_id`` that is there.

    Raises
    ------
    ContractError
        If no key column is there, or a column that the model reads is not.
    """
    key = next((k for k in _KEYS if k in rows.columns), None)
    if key is None:
        raise ContractError(f"rows to predict need one of {', '.join(_KEYS)}")
    ordered = rows.sort_values(key, kind="stable")
    said = predict(model, ordered)
    columns = {
        key: pa.array(ordered[key].astype(str), pa.string()),
        "predicted": pa.array(said.labels, pa.string()),
    }
    for i, name in enumerate(said.classes):
        columns[f"p_{name}"] = pa.array(said.probability[:, i], pa.float64())
    return pa.table(columns)
