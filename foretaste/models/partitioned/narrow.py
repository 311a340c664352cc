"""A linear base model that carries only the columns that its own rows use.

Hashed texts have hundreds of thousands of columns, of which the rows of one partition use
a few. A logistic regression starts from zero and leaves the coefficient of an empty column
there: without those columns the answers are the same, and a fit costs what its rows cost
instead of what the table of coefficients does.

Import it inside functions: it loads scikit-learn.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression


class OwnColumns(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit a linear classifier on those columns of sparse rows that are not empty.

    Nobody but the rows given to ``fit`` has a say in which columns those are. Dense rows
    go through as they are.

    Parameters
    ----------
    linear
        Unfitted classifier that would give an empty column a coefficient of zero.

    Attributes
    ----------
    columns_
        (d,) rising indices of the columns that are read; None: all.
    fitted_
        The fitted classifier.
    classes_
        Labels, sorted.
    """

    def __init__(self, linear: Any) -> None:
        self.linear = linear

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit on (n, columns) rows."""
        self.columns_ = _used(X)
        self.fitted_ = clone(self.linear).fit(self._own(X), y, sample_weight=sample_weight)
        self.classes_ = self.fitted_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Give the label of each row."""
        return np.asarray(self.fitted_.predict(self._own(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Give (n, classes) probabilities."""
        return np.asarray(self.fitted_.predict_proba(self._own(X)))

    def decision_function(self, X: Any) -> np.ndarray:
        """Give the classifier's scores."""
        return np.asarray(self.fitted_.decision_function(self._own(X)))

    def _own(self, X: Any) -> Any:
        return X if self.columns_ is None else X[:, self.columns_]


def narrow(model: Any) -> Any:
    """Put a logistic regression into ``OwnColumns``; other models stay as they are."""
    return OwnColumns(model) if type(model) is LogisticRegression else model


def _used(X: Any) -> np.ndarray | None:
    from scipy.sparse import issparse

    if not issparse(X):
        return None
    used = np.unique(X.tocsr().indices)
    # A bias needs no column, but scikit-learn wants at least one.
    return used if len(used) else np.zeros(1, dtype=np.int32)
