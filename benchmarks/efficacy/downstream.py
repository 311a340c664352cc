"""What poison does to a model, and what is left of it behind a defence."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.corpora import Corpus
from foretaste.attacks.base import Attack
from foretaste.attacks.closeness import near_boundary
from foretaste.attacks.material import feature_names
from foretaste.attacks.triggers import with_phrase

_BUCKETS: Final = 2**15
_LEAST_EFFECT: Final = 0.02


@dataclass(frozen=True, slots=True)
class Exam:
    """Rows to try a model on after an attack.

    Parameters
    ----------
    x, y
        Test rows in the model's view, and their right labels.
    aimed
        Rows that the attack is about, its trigger in them: None where it wants noise.
    target
        Label that it wants for them.
    """

    x: Any
    y: np.ndarray
    aimed: Any | None
    target: str


class Reader:
    """Turn rows into what the linear model reads, fitted to no label."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._names = feature_names(rows)
        values = rows[self._names].to_numpy(np.float64)
        self._centre = np.median(values, axis=0) if self._names else np.zeros(0)
        spread = values.std(axis=0) if self._names else np.ones(0)
        self._spread = np.where(spread > 0, spread, 1.0)

    def __call__(self, rows: pd.DataFrame) -> Any:
        """(n, d) array, or sparse counts of words and pairs of words."""
        if self._names:
            return (rows[self._names].to_numpy(np.float64) - self._centre) / self._spread
        from sklearn.feature_extraction.text import HashingVectorizer

        words = HashingVectorizer(n_features=_BUCKETS, ngram_range=(1, 2), alternate_sign=False)
        return words.transform(rows["text"].fillna(""))


def exam(corpus: Corpus, reader: Reader, attack: Attack | None) -> Exam:
    """Set the exam that fits an attack.

    Rows of its source with its trigger; without one, the half of them nearest the target.
    """
    test, y = corpus.test, corpus.test["label"].to_numpy(object)
    source, target = (getattr(attack, end, None) for end in ("source", "target"))
    if attack is None or target is None:
        return Exam(reader(test), y, None, "")
    aimed = test[y == source] if source is not None else test[y != target]
    stamped, phrase = (getattr(attack, trigger, None) for trigger in ("stamped", "phrase"))
    if stamped is not None:
        aimed = stamped(aimed, corpus.contributions)
    elif phrase is not None:
        aimed = with_phrase(aimed, phrase)
    elif source is not None:
        aimed = test[near_boundary(test, source, target)]
    return Exam(reader(test), y, reader(aimed), target)


def graded(x: Any, labels: np.ndarray, weight: np.ndarray, paper: Exam) -> dict[str, float]:
    """Train a logistic model on weighted rows, and tell its accuracy and the attack's success.

    Success is the share of the aimed rows that get the target; of an attack that wants
    noise it is the share of all rows that is wrong.
    """
    from sklearn.linear_model import LogisticRegression

    kept = weight > 0
    if np.unique(labels[kept]).size < 2:
        return {"accuracy": float("nan"), "success": float("nan")}
    model = LogisticRegression(C=10.0 if hasattr(x, "tocsr") else 1.0, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x[kept], labels[kept], sample_weight=weight[kept] / weight[kept].mean())
    accuracy = float((model.predict(paper.x) == paper.y).mean())
    if paper.aimed is None:
        return {"accuracy": accuracy, "success": 1 - accuracy}
    return {
        "accuracy": accuracy,
        "success": float((model.predict(paper.aimed) == paper.target).mean()),
    }


def removed(success: float, undefended: float, oracle: float) -> float:
    """Share of the attack's effect that is gone, in [-1, 1]; NaN where it has next to none."""
    effect = undefended - oracle
    if effect <= _LEAST_EFFECT:
        return float("nan")
    return float(np.clip((undefended - success) / effect, -1, 1))
