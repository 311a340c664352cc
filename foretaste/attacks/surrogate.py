"""A surrogate: the model an attacker fits to public rows to foresee what ours will do.

Logistic regression, fitted on one thread, so that the last bits are always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError

_MOST_ROWS: Final = 20_000
_ITERATIONS: Final = 300
_FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Binary:
    """Two classes, logistic regression, and how it answers to small changes.

    Parameters
    ----------
    weights
        (d + 1,) coefficients, the intercept last.
    inverse
        (d + 1, d + 1) inverse of the Hessian of the regularised loss, summed over rows.
    """

    weights: np.ndarray
    inverse: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, is_target: np.ndarray, *, ridge: float = 1.0) -> Binary:
        """Fit to (n, d) rows and (n,) bool."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            model = _regression(ridge).fit(x, is_target)
            padded = _padded(x)
            weights = np.append(model.coef_[0], model.intercept_[0])
            p = _sigmoid(padded @ weights)
            penalty = np.full(weights.size, ridge)
            penalty[-1] = 1e-6
            hessian = (padded * (p * (1 - p))[:, None]).T @ padded + np.diag(penalty)
            return cls(weights, np.linalg.inv(hessian))

    def probability(self, x: np.ndarray) -> np.ndarray:
        """(n,) probability of the target."""
        return _sigmoid(_padded(x) @ self.weights)

    def gain(self, candidates: np.ndarray, victims: np.ndarray) -> np.ndarray:
        """How much a flip to the target raises the victims' mean log-probability of it.

        First order, by influence (Koh and Liang 2017): a flip changes the gradient of a
        row's loss by minus the row itself, so the weights move by the inverse Hessian
        times the row.

        Parameters
        ----------
        candidates, victims
            (m, d) rows that may be flipped, and (v, d) rows that are meant.

        Returns
        -------
        (m,) float64, higher is better for the attacker.
        """
        wanted = (1 - self.probability(victims))[:, None] * _padded(victims)
        gains: np.ndarray = _padded(candidates) @ (self.inverse @ wanted.mean(axis=0))
        return gains


def disputed(x: np.ndarray, corpus: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: rows whose label models fitted to other people's rows do not give.

    People are dealt to folds by chance: the method of hashed slices without their salt.
    At most 20,000 rows are looked at; the others count as undisputed.

    Raises
    ------
    ContractError
        If there are too few people or classes to ask others.
    """
    from threadpoolctl import threadpool_limits

    who, people = pd.factorize(corpus["contributor_id"], sort=True)
    code, classes = pd.factorize(corpus["label"], sort=True)
    if len(people) < _FOLDS or len(classes) < 2:
        raise ContractError(
            f"foreseeing disputes needs {_FOLDS} people and two classes, "
            f"not {len(people)} and {len(classes)}"
        )
    seen = np.sort(rng.permutation(len(x))[:_MOST_ROWS])
    fold = (rng.permutation(len(people)) % _FOLDS)[who]
    wrong = np.zeros(len(x), dtype=bool)
    with threadpool_limits(1):
        for number in range(_FOLDS):
            learn, judge = seen[fold[seen] != number], seen[fold[seen] == number]
            if len(judge) and len(np.unique(code[learn])) > 1:
                given = _regression(1.0).fit(x[learn], code[learn]).predict(x[judge])
                wrong[judge] = given != code[judge]
    return wrong


def subspace(x: np.ndarray, labels: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """(r, d) orthonormal rows that span what a linear model looks at."""
    from threadpoolctl import threadpool_limits

    seen = np.sort(rng.permutation(len(x))[:_MOST_ROWS])
    with threadpool_limits(1):
        weights = _regression(1.0).fit(x[seen], labels.to_numpy(object)[seen]).coef_
        _, size, rows = np.linalg.svd(weights, full_matrices=False)
        spanned: np.ndarray = rows[size > 1e-8 * size.max()]
        return spanned


def _regression(ridge: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / ridge, max_iter=_ITERATIONS)


def _padded(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))])


def _sigmoid(z: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    p: np.ndarray = expit(z)
    return p
