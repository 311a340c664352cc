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
    who, said = sent(y[own], contributors, rng)
    style = rng.normal(0.0, _STYLE, (contributors, X.shape[1])) * X.std(axis=0)
    return World((X[own] + style[who]) / 16.0, said, who, X[fresh] / 16.0, y[fresh])


def mail(folder: Path, seed: int, contributors: int = 200) -> World:
    """Give every mail but a tenth to somebody; words are hashed, nothing is fitted."""
    rng = np.random.default_rng(seed)
    X, y = _hashed(folder)
    order = rng.permutation(len(y))
    fresh, own = order[: len(y) // 10], order[len(y) // 10 :]
    who, said = sent(y[own], contributors, rng)
    return World(X[own], said, who, X[fresh], y[fresh])


@dataclass(frozen=True, slots=True)
class Texts:
    """Mails as people read them, with their senders, and trusted ones to ask about."""

    seen: pd.DataFrame
    y: np.ndarray
    who: np.ndarray
    fresh: pd.DataFrame
    truth: np.ndarray


def texts(folder: Path, seed: int, contributors: int = 200, most: int = 3873) -> Texts:
    """Give four fifths of ``most`` mails to somebody."""
    rng = np.random.default_rng(seed)
    rows = pd.read_parquet(folder / "spamassassin.parquet")
    rows = rows.iloc[rng.permutation(len(rows))[:most]]
    text = pd.DataFrame({"text": rows["text"].fillna("").astype("str").str[:5000].array})
    y = rows["true_label"].astype(str).to_numpy(object)
    cut = len(rows) * 4 // 5
    who, said = sent(y[:cut], contributors, rng)
    return Texts(text[:cut], said, who, text[cut:].reset_index(drop=True), y[cut:])


@cache
def _hashed(folder: Path) -> tuple[Any, np.ndarray]:
    from sklearn.feature_extraction.text import HashingVectorizer

    rows = pd.read_parquet(folder / "spamassassin.parquet")
    words = HashingVectorizer(n_features=2**16, alternate_sign=False, dtype=np.float32)
    return words.transform(rows["text"].fillna("")), rows["true_label"].astype(str).to_numpy(object)


def sent(y: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
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


@dataclass(frozen=True, slots=True)
class Warp:
    """A small change of a picture: pixels down and right, degrees, size, slant."""

    down: float = 0.0
    right: float = 0.0
    turn: float = 0.0
    size: float = 1.0
    slant: float = 0.0

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """Change (n, 8, 8) pictures around their centre."""
        from scipy.ndimage import affine_transform

        angle = np.deg2rad(self.turn)
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        whole = np.eye(3)
        whole[1:, 1:] = turned / self.size @ np.array([[1.0, 0.0], [self.slant, 1.0]])
        centre = np.array([0.0, 3.5, 3.5])
        offset = centre - whole @ centre + np.array([0.0, self.down, self.right])
        return np.asarray(affine_transform(pictures, whole, offset=offset, order=1))


def _shifts(by: float) -> tuple[Warp, ...]:
    return Warp(by), Warp(-by), Warp(right=by), Warp(right=-by)


SHIFTS: Final = _shifts(0.5)
WARPS: Final = (
    *_shifts(0.6),
    *(Warp(down, right) for down in (-0.5, 0.5) for right in (-0.5, 0.5)),
    *(Warp(turn=turn) for turn in (-18.0, -10.0, 10.0, 18.0)),
    *(Warp(size=size) for size in (0.9, 1.12)),
    *(Warp(slant=slant) for slant in (-0.2, 0.2)),
)


class Warped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit on pictures and on changed copies of them; each row's are its own."""

    def __init__(self, base: Any, warps: tuple[Warp, ...]) -> None:
        self.base = base
        self.warps = warps

    def fit(self, X: np.ndarray, y: np.ndarray) -> Warped:
        """Fit the base on 1 + len(warps) times the rows."""
        pictures = X.reshape(-1, 8, 8)
        moved = [warp.of(pictures).reshape(len(X), -1) for warp in self.warps]
        self.fitted_ = clone(self.base).fit(np.vstack([X, *moved]), np.tile(y, 1 + len(moved)))
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
    "svc, shifts": lambda: Warped(_svc(), SHIFTS),
    "parzen, shifts": lambda: Warped(Parzen(), SHIFTS),
    "parzen, warps": lambda: Warped(Parzen(4.0), WARPS),
    # On sparse rows the dual solver's time grows with the rows and not with the words.
    "linear": lambda: LinearSVC(random_state=0),
    "linear balanced": lambda: LinearSVC(class_weight="balanced", random_state=0),
    "complement bayes": lambda: ComplementNB(alpha=0.1),
}
