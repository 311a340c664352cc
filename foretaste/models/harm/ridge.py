"""Ridge regression on class indicators, from which any cohort is left out exactly.

The normal equations are solved once. A cohort of m rows in d dimensions is then taken out
by the Sherman-Morrison-Woodbury identity with one m x m system, or with one d x d system
where that is the smaller; neither trains anything again, and both are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

_FLOOR: Final = 1e-3
_STEPS: Final = np.geomspace(0.5, 64.0, 22)


@dataclass(frozen=True, slots=True)
class Ridge:
    """A fitted ridge model, and what is needed to take rows out of it.

    Parameters
    ----------
    x, residual, weight
        (n, d) rows with a column of ones, (n, k) indicator minus prediction, (n,) weights.
    gram, inverse
        (d, d) weighted normal matrix with its penalty, and its inverse.
    trusted, right, scores
        (t, d) trusted rows, (t,) codes of their labels, (t, k) what the model says on them.
    sharpness
        Factor that turns scores into probabilities by a softmax: the one under which the
        trusted rows are likeliest.
    """

    x: np.ndarray
    residual: np.ndarray
    weight: np.ndarray
    gram: np.ndarray
    inverse: np.ndarray
    trusted: np.ndarray
    right: np.ndarray
    scores: np.ndarray
    sharpness: float

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        labels: np.ndarray,
        weight: np.ndarray,
        trusted: np.ndarray,
        right: np.ndarray,
        *,
        classes: int,
        penalty: float = 1.0,
    ) -> Ridge:
        """Fit on all rows.

        Parameters
        ----------
        x, labels, weight
            (n, d) features, (n,) codes below ``classes``, (n,) weights above 0.
        trusted, right
            (t, d) features and (t,) codes of the rows that effects are measured on.
        penalty
            Ridge penalty per dimension, in rows of weight 1.
        """
        rows, fresh = _with_ones(x), _with_ones(trusted)
        gram = (rows * weight[:, None]).T @ rows + penalty * np.eye(rows.shape[1])
        inverse = np.linalg.inv(gram)
        wanted = np.eye(classes)[labels]
        beta = inverse @ (rows.T @ (weight[:, None] * wanted))
        scores = fresh @ beta
        best = min(_STEPS, key=lambda s: float(_log_loss(scores, right, float(s)).mean()))
        return cls(
            rows, wanted - rows @ beta, weight, gram, inverse, fresh, right, scores, float(best)
        )

    @property
    def loss(self) -> np.ndarray:
        """(t,) log-loss of the trusted rows with everybody's rows, nats."""
        return _log_loss(self.scores, self.right, self.sharpness)

    def scores_without(self, rows: np.ndarray) -> np.ndarray:
        """(t, k) what the model would say had the rows (positions) never been there."""
        x, w = self.x[rows], self.weight[rows]
        if len(rows) >= x.shape[1]:
            # More rows than dimensions: the d x d system is the smaller one.
            left = self.gram - (x * w[:, None]).T @ x
            moved = np.linalg.solve(left, x.T @ (w[:, None] * self.residual[rows]))
            return np.asarray(self.scores - self.trusted @ moved)
        half = np.sqrt(w)[:, None] * x
        pulled = self.inverse @ half.T
        inner = np.eye(len(rows)) - half @ pulled
        moved = pulled @ np.linalg.solve(inner, np.sqrt(w)[:, None] * self.residual[rows])
        return np.asarray(self.scores - self.trusted @ moved)

    def effect(self, rows: np.ndarray) -> np.ndarray:
        """(t,) nats by which each trusted row's loss falls without the rows; positive: harm."""
        left = _log_loss(self.scores_without(rows), self.right, self.sharpness)
        return np.asarray(self.loss - left)


def _with_ones(x: np.ndarray) -> np.ndarray:
    return np.hstack((x.astype(np.float64), np.ones((len(x), 1), dtype=np.float64)))


def _log_loss(scores: np.ndarray, right: np.ndarray, sharpness: float) -> np.ndarray:
    """(t,) negative log-probability of the right class, at most 6.9 nats."""
    scaled = sharpness * (scores - scores.max(axis=1, keepdims=True))
    told = np.exp(scaled)
    given = told[np.arange(len(right)), right] / told.sum(axis=1)
    return np.asarray(-np.log(np.maximum(given, _FLOOR)))
