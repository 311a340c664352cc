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
_RIDGE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Multinomial logistic regression, and how it answers to small changes.

    Parameters
    ----------
    model
        The fitted model.
    rows
        (n, d + 1) rows that it was fitted to, a one last.
    given
        (n, k) its probabilities for them.
    """

    model: Any
    rows: np.ndarray
    given: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, labels: np.ndarray) -> Surrogate:
        """Fit to (n, d) rows and (n,) labels."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            model = _regression().fit(x, labels)
            return cls(model, _padded(x), model.predict_proba(x))

    def probability(self, x: np.ndarray, label: str) -> np.ndarray:
        """(n,) probability of a label."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            p: np.ndarray = self.model.predict_proba(x)[:, self._code(label)]
        return p

    def gain(
        self, candidates: np.ndarray, victims: np.ndarray, source: str, target: str
    ) -> np.ndarray:
        """How much a flip of each candidate raises the victims' mean probability of the target.

        First order, by influence (Koh and Liang 2017): a flip changes the gradient of a
        row's loss by the row itself, under one label and against the other, and the
        weights move by the inverse Hessian times that.

        Parameters
        ----------
        candidates, victims
            (m, d) rows that may be flipped from source to target, and (v, d) rows meant.

        Returns
        -------
        (m,) float64, higher is better for the attacker.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            p = self.model.predict_proba(victims)
            aim = np.arange(p.shape[1]) == self._code(target)
            wanted = (p[:, aim] * (aim - p)).T @ _padded(victims) / len(victims)
            moved = self._inverse_hessian_times(wanted)
            gains: np.ndarray = _padded(candidates) @ (
                moved[self._code(target)] - moved[self._code(source)]
            )
            return gains

    def _inverse_hessian_times(self, vector: np.ndarray) -> np.ndarray:
        """(k, d + 1) solution by conjugate gradients; the Hessian itself is never made."""
        from scipy.sparse.linalg import LinearOperator, cg

        def times(flat: np.ndarray) -> np.ndarray:
            v = flat.reshape(vector.shape)
            scores = self.rows @ v.T
            pulled = self.given * (scores - (self.given * scores).sum(axis=1, keepdims=True))
            product: np.ndarray = (pulled.T @ self.rows + _RIDGE * v).ravel()
            return product

        hessian = LinearOperator((vector.size, vector.size), matvec=times, dtype=np.float64)
        solved, _ = cg(hessian, vector.ravel(), rtol=1e-6, maxiter=_ITERATIONS)
        moved: np.ndarray = solved.reshape(vector.shape)
        return moved

    def _code(self, label: str) -> int:
        return int(np.searchsorted(self.model.classes_, label))


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
                given = _regression().fit(x[learn], code[learn]).predict(x[judge])
                wrong[judge] = given != code[judge]
    return wrong


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / _RIDGE, max_iter=_ITERATIONS)


def _padded(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))])
