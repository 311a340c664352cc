"""Others' methods, as they are shipped: a score for every row, and what they would drop.

cleanlab: Northcutt, Jiang, Chuang (JAIR 2021), probabilities of a logistic model in five
folds. PyOD: ECOD (Li et al. 2022), COPOD (Li et al. 2020), isolation forest (Liu, Ting,
Zhou 2008), over all rows and per label. All read the same dense view as our detectors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.batch import Batch

_CAP: Final = 0.02
_LEAST: Final = 10


@dataclass(frozen=True, slots=True)
class Column:
    """What a method says of every row.

    Parameters
    ----------
    score
        (n,) float64; larger is more suspicious.
    held
        (n,) bool: what it would leave out at its defaults.
    weight
        (n,) float64 weight of a row in training.
    """

    score: np.ndarray
    held: np.ndarray
    weight: np.ndarray


def dropped(score: np.ndarray, held: np.ndarray) -> Column:
    """Give the column of a method that leaves rows out and weighs the others alike."""
    return Column(score.astype(np.float64), held, (~held).astype(np.float64))


def cleanlab(batch: Batch) -> Column:
    """Label issues by confident learning."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=batch.seed)
    model = LogisticRegression(max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probability = cross_val_predict(
            model, batch.features, batch.labels, cv=folds, method="predict_proba"
        )
    labels = np.asarray(batch.labels)
    quality = get_label_quality_scores(labels, probability)
    return dropped(-quality, find_label_issues(labels, probability, n_jobs=1))


def majority(batch: Batch) -> Column:
    """Leave out what most reports of the same thing contradict."""
    thing, label = _things(batch), batch.labels
    count = pd.Series(1, index=pd.MultiIndex.from_arrays([thing, label])).groupby(level=[0, 1])
    same = count.transform("size").to_numpy()
    whole = np.bincount(thing)[thing]
    against = 1 - same / whole
    return dropped(against, against > 0.5)


def cap(batch: Batch) -> Column:
    """Bound everybody's share of the weight; who sends most is most suspicious."""
    volume = np.bincount(batch.contributors)[batch.contributors]
    most = max(_CAP * batch.n_rows, 1.0)
    weight = np.minimum(1.0, most / volume)
    return Column(volume.astype(np.float64), np.zeros(batch.n_rows, bool), weight / weight.mean())


def nothing(batch: Batch) -> Column:
    """No defence."""
    return dropped(np.zeros(batch.n_rows), np.zeros(batch.n_rows, dtype=bool))


def sklearn_forest(batch: Batch) -> Column:
    """scikit-learn's isolation forest; it has no default share, so a tenth is left out."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(random_state=batch.seed).fit(batch.features)
    score = -forest.score_samples(batch.features)
    return dropped(score, score > np.quantile(score, 0.9))


def _pyod(name: str, *, per_class: bool) -> Callable[[Batch], Column]:
    def column(batch: Batch) -> Column:
        score, held = np.zeros(batch.n_rows), np.zeros(batch.n_rows, dtype=bool)
        for rows in _groups(batch, per_class=per_class):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = _model(name, batch.seed).fit(np.asarray(batch.features)[rows])
            # Ranks: scores of one class are no scores of another.
            score[rows] = np.argsort(np.argsort(model.decision_scores_)) / rows.size
            held[rows] = model.labels_ == 1
        return dropped(score, held)

    return column


def _model(name: str, seed: int) -> Any:
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest

    return (
        {"ECOD": ECOD, "COPOD": COPOD}[name]() if name != "IForest" else IForest(random_state=seed)
    )


def _groups(batch: Batch, *, per_class: bool) -> Iterator[np.ndarray]:
    """Indices of the rows of each class, small classes left out, or of all rows."""
    if not per_class:
        yield np.arange(batch.n_rows)
        return
    for code in range(len(batch.classes)):
        rows = np.flatnonzero(batch.labels == code)
        if rows.size >= _LEAST:
            yield rows


def _things(batch: Batch) -> np.ndarray:
    """(n,) codes of what rows are about: their content, or their item where they have none."""
    rows = batch.rows
    names = [c for c in rows if c == "text" or str(c).startswith("f_")]
    content = rows[names] if batch.features.shape[1] else rows[["item_id"]]
    codes: np.ndarray = pd.factorize(pd.util.hash_pandas_object(content, index=False))[0]
    return codes


PEERS: Final[dict[str, Callable[[Batch], Column]]] = {
    "cleanlab": cleanlab,
    **{
        f"PyOD {name}{' per class' if per_class else ''}": _pyod(name, per_class=per_class)
        for name in ("ECOD", "COPOD", "IForest")
        for per_class in (True, False)
    },
    "sklearn IForest": sklearn_forest,
    "majority vote": majority,
    "cap": cap,
    "no defence": nothing,
}
"""Peers by name."""
