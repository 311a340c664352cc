"""How much each group of rows hurts a model on probes, without training again.

Linear models: one Gauss-Newton step (the influence functions of Koh and Liang, ICML 2017;
for a softmax the Gauss-Newton matrix is the Hessian itself). All others: the leaf overlap
of a forest that is grown on the same rows (Sharchilev et al., ICML 2018, with the trees'
structure held fixed). Both cost a few passes over the rows, whatever the number of groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.features import dense_features
from foretaste.models.predict import Predicted, predict
from foretaste.models.train import Predictor

_FLOOR: Final = 1e-3
"""Probabilities below count as this: one hopeless probe must not speak for all."""
_STEPS: Final = 60
_TREES: Final = 60
_LEAF: Final = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """Trusted rows on which a model should do well.

    Parameters
    ----------
    rows
        The model's inputs.
    labels
        (q,) object: what the model should say.
    """

    rows: pd.DataFrame
    labels: np.ndarray

    def loss(self, said: Predicted) -> np.ndarray:
        """(q,) negative log-probability of the right label, nats, at most 6.9."""
        right = _codes(self.labels, said.classes)
        given = np.where(right >= 0, said.probability[np.arange(len(right)), right], 0.0)
        return np.asarray(-np.log(np.clip(given, _FLOOR, 1.0)))


def influence(
    model: Predictor, rows: pd.DataFrame, weight: np.ndarray, probe: Probe, *, seed: int
) -> np.ndarray:
    """Estimate what each row costs on the probe.

    Parameters
    ----------
    model
        Trained on the rows that weigh more than 0.
    rows
        With ``row_id``, ``label`` and the model's inputs, in any order. Rows of weight 0 may be
        among them, and are
        told what they would cost.
    weight
        (n,) float64 weights of the training, 0 for rows that it did not see.

    Returns
    -------
    numpy.ndarray
        (n,) nats of the probe's total loss; **positive: the row harms**, the loss would
        fall without it. A sum over rows estimates their joint effect.
    """
    last = getattr(model.model, "steps", [("", model.model)])[-1][1]
    order = np.argsort(rows["row_id"].to_numpy(str), kind="stable")
    ordered, weights = rows.iloc[order], weight[order]
    if type(last).__name__ == "LogisticRegression":
        told = _gauss_newton(model, last, ordered, weights, probe)
    else:
        told = _leaf_overlap(model, ordered, weights, probe, seed)
    back = np.empty_like(told)
    back[order] = told
    return back


def _gauss_newton(
    model: Predictor, last: Any, rows: pd.DataFrame, weight: np.ndarray, probe: Probe
) -> np.ndarray:
    """Solve one system for all rows: ``(H + λ) s = gradient of the probe``."""
    from scipy.sparse.linalg import LinearOperator, cg

    x, z = (_seen(model, table) for table in (rows, probe.rows))
    said, asked = predict(model, rows).probability, predict(model, probe.rows).probability
    shape = (x.shape[1], len(model.classes))
    used = weight / weight[weight > 0].mean()

    def curved(flat: np.ndarray) -> np.ndarray:
        step = x @ flat.reshape(shape)
        step = said * (step - (said * step).sum(axis=1, keepdims=True))
        bent = x.T @ (used[:, None] * step) + flat.reshape(shape) / last.C
        return np.asarray(bent).ravel()

    size = shape[0] * shape[1]
    slope = z.T @ (asked - _one_hot(probe.labels, model.classes))
    operator = LinearOperator((size, size), matvec=curved, dtype=np.float64)
    solved, _ = cg(operator, np.asarray(slope).ravel(), rtol=1e-3, maxiter=_STEPS)
    wrong = said - _one_hot(rows["label"].astype(str).to_numpy(object), model.classes)
    told = -((x @ solved.reshape(shape)) * wrong).sum(axis=1)
    return np.asarray(told * np.where(weight > 0, used, 1.0))


def _seen(model: Predictor, rows: pd.DataFrame) -> Any:
    """What the linear step sees of rows, with a column for the intercept."""
    from scipy.sparse import csr_array, hstack

    view: Any = model.inputs.frame(rows)
    for _, part in getattr(model.model, "steps", [])[:-1]:
        view = part.transform(view)
    return hstack([csr_array(view), csr_array(np.ones((len(rows), 1)))]).tocsr()


def _leaf_overlap(
    model: Predictor, rows: pd.DataFrame, weight: np.ndarray, probe: Probe, seed: int
) -> np.ndarray:
    """Grow a forest, and ask what the leaves of the probes would say without each row."""
    from sklearn.ensemble import ExtraTreesClassifier
    from threadpoolctl import threadpool_limits

    names = np.unique(rows["label"].astype(str).to_numpy(object))
    code = _codes(rows["label"].astype(str).to_numpy(object), tuple(names))
    right = _codes(probe.labels, tuple(names))
    x, z = _dense(model, rows, probe.rows)
    kept = weight > 0
    forest = ExtraTreesClassifier(_TREES, min_samples_leaf=_LEAF, random_state=seed)
    with threadpool_limits(1):
        forest.fit(x[kept], code[kept], sample_weight=weight[kept])
    leaves, asked = forest.apply(x), forest.apply(z)
    used = np.where(kept, weight, 0.0)
    tallies = [_Leaves.of(leaves[:, t], code, used, len(names)) for t in range(_TREES)]
    each = [tally.share[asked[:, t], np.maximum(right, 0)] for t, tally in enumerate(tallies)]
    given = np.clip(np.mean(each, axis=0), 0.02, 1.0)
    pull = np.where(right >= 0, 1.0 / given, 0.0)
    told = (tally.harm(asked[:, t], right, pull) for t, tally in enumerate(tallies))
    typical = weight[kept].mean()
    return np.asarray(sum(told) / _TREES * np.where(kept, weight, typical))


@dataclass(frozen=True, slots=True)
class _Leaves:
    """One tree: which leaf each row is in, its weight, and its classes' shares."""

    leaf: np.ndarray
    code: np.ndarray
    total: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, leaf: np.ndarray, code: np.ndarray, weight: np.ndarray, k: int) -> _Leaves:
        size = int(leaf.max()) + 1
        table = np.bincount(leaf * k + code, weights=weight, minlength=size * k).reshape(size, k)
        total = np.maximum(table.sum(axis=1), 1e-9)
        return cls(leaf, code, total, table / total[:, None])

    def harm(self, asked: np.ndarray, right: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """What a unit of each row's weight costs the probes that share its leaf."""
        size, k = self.share.shape
        at = asked * k + np.maximum(right, 0)
        drawn = np.bincount(at, weights=pull, minlength=size * k).reshape(size, k)
        lost = (drawn * self.share).sum(axis=1)
        cost: np.ndarray = (lost[self.leaf] - drawn[self.leaf, self.code]) / self.total[self.leaf]
        return cost


def _dense(
    model: Predictor, rows: pd.DataFrame, probes: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """What trees can split on: the numbers as they are, and a projection of the text."""
    both = pd.concat([model.inputs.frame(rows), model.inputs.frame(probes)], ignore_index=True)
    dense = dense_features(both if model.inputs.text else both.assign(text=None))
    return dense[: len(rows)], dense[len(rows) :]


def _codes(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """(n,) positions in ``classes``; -1 for a label that is not among them."""
    found = pd.Index(list(classes)).get_indexer(pd.Index(labels.astype(str)))
    return np.asarray(found)


def _one_hot(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    codes = _codes(labels, classes)
    table = np.zeros((len(codes), len(classes)))
    known = codes >= 0
    table[np.flatnonzero(known), codes[known]] = 1.0
    return table
