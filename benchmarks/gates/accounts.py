"""Rows of simulated contributors, and base models that learn from few rows.

Volumes are log-normal, each contributor has more of some classes than of others and
mislabels 2 % on average.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import SVC, LinearSVC

_SIGMA: Final = 1.3
_HONEST_ERRORS: Final = (1.0, 49.0)
_STYLE: Final = 0.1


@dataclass(frozen=True, slots=True)
class World:
    """Rows with their senders, and trusted rows to certify on."""

    X: Any
    y: np.ndarray
    who: np.ndarray
    fresh: Any
    truth: np.ndarray


def digits(seed: int, contributors: int = 200) -> World:
    """Give every scan but a tenth to somebody, seen with an offset of their own."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    X, y = load_digits(return_X_y=True)
    order = rng.permutation(len(y))
    fresh, own = order[: len(y) // 10], order[len(y) // 10 :]
    who, said = _sent(y[own], contributors, rng)
    style = rng.normal(0.0, _STYLE, (contributors, X.shape[1])) * X.std(axis=0)
    return World((X[own] + style[who]) / 16.0, said, who, X[fresh] / 16.0, y[fresh])


def mail(folder: Path, seed: int, contributors: int = 200) -> World:
    """Give every mail but a tenth to somebody; words are hashed, nothing is fitted."""
    rng = np.random.default_rng(seed)
    X, y = _hashed(folder)
    order = rng.permutation(len(y))
    fresh, own = order[: len(y) // 10], order[len(y) // 10 :]
    who, said = _sent(y[own], contributors, rng)
    return World(X[own], said, who, X[fresh], y[fresh])


@cache
def _hashed(folder: Path) -> tuple[Any, np.ndarray]:
    from sklearn.feature_extraction.text import HashingVectorizer

    rows = pd.read_parquet(folder / "spamassassin.parquet")
    words = HashingVectorizer(n_features=2**16, alternate_sign=False, dtype=np.float32)
    return words.transform(rows["text"].fillna("")), rows["true_label"].astype(str).to_numpy(object)


def _sent(y: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw who sends each row, and what label they give it."""
    names = np.unique(y)
    volume = rng.lognormal(0.0, _SIGMA, n)
    lean = rng.dirichlet(np.full(len(names), 2.0), n)
    who = np.empty(len(y), dtype=np.int64)
    for code, name in enumerate(names):
        at = np.flatnonzero(y == name)
        share = volume * lean[:, code]
        who[at] = rng.choice(n, p=share / share.sum(), size=at.size)
    wrong = rng.random(len(y)) < rng.beta(*_HONEST_ERRORS, n)[who]
    shift = rng.integers(1, len(names), len(y))
    said = names[(np.searchsorted(names, y) + wrong * shift) % len(names)]
    return who, said


class Parzen(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Class of the highest mean Gaussian kernel: at its best with few rows."""

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def fit(self, X: np.ndarray, y: np.ndarray) -> Parzen:
        """Keep the rows."""
        self.classes_, self.codes_ = np.unique(y, return_inverse=True)
        self.X_ = X
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Give the mean kernel per class."""
        square = (X**2).sum(axis=1)[:, None] + (self.X_**2).sum(axis=1) - 2 * X @ self.X_.T
        said = np.exp(-self.gamma * np.maximum(square, 0.0))
        member = np.eye(len(self.classes_))[self.codes_]
        return np.asarray(said @ (member / member.sum(axis=0)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Give the label of the highest density."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])


class Shifted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit on pictures and their four shifts by half a pixel; each row's are its own."""

    def __init__(self, base: Any) -> None:
        self.base = base

    def fit(self, X: np.ndarray, y: np.ndarray) -> Shifted:
        """Fit the base on five times the rows."""
        from scipy.ndimage import shift

        pictures = X.reshape(-1, 8, 8)
        moves = ((0, 0.5), (0, -0.5), (0.5, 0), (-0.5, 0))
        moved = [shift(pictures, (0, *move), order=1).reshape(len(X), -1) for move in moves]
        self.fitted_ = clone(self.base).fit(np.vstack([X, *moved]), np.tile(y, 5))
        self.classes_ = self.fitted_.classes_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Ask the base."""
        return np.asarray(self.fitted_.predict(X))

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Ask the base."""
        return np.asarray(self.fitted_.decision_function(X))


def _svc() -> SVC:
    return SVC(C=10, gamma=0.05, class_weight="balanced")


BASES: Final[dict[str, Callable[[], Any]]] = {
    "logistic": lambda: LogisticRegression(C=10, max_iter=300),
    "svc": _svc,
    "parzen": Parzen,
    "svc, shifts": lambda: Shifted(_svc()),
    "parzen, shifts": lambda: Shifted(Parzen()),
    # On sparse rows the dual solver's time grows with the rows and not with the words.
    "linear": lambda: LinearSVC(random_state=0),
    "linear balanced": lambda: LinearSVC(class_weight="balanced", random_state=0),
    "complement bayes": lambda: ComplementNB(alpha=0.1),
}
