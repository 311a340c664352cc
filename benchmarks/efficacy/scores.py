"""How well rows and contributors are told apart; nothing here knows a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

LOSSES: Final = (0.05, 0.01)
_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of rows; arrays are aligned.

    Parameters
    ----------
    poison
        (n,) bool: sent to harm.
    clean
        (n,) bool: of honest people, with the right label: what poison is ranked against.
    honest
        (n,) bool: of honest people, their mistakes too: what a decision may lose.
    contributors
        (n,) int codes.
    labels
        (n,) int codes of the given labels.
    """

    poison: np.ndarray
    clean: np.ndarray
    honest: np.ndarray
    contributors: np.ndarray
    labels: np.ndarray


def area(score: np.ndarray, truth: Truth) -> float:
    """Area under the ROC curve of poison against clean rows; ties count half."""
    from sklearn.metrics import roc_auc_score

    scored = truth.poison | truth.clean
    return float(roc_auc_score(truth.poison[scored], score[scored]))


def recall(score: np.ndarray, truth: Truth, loss: float) -> float:
    """Share of the poison strictly above a threshold that loses ``loss`` of the clean rows."""
    threshold = np.quantile(score[truth.clean], 1 - loss, method="higher")
    return float((score[truth.poison] > threshold).mean())


def ranked(score: np.ndarray, truth: Truth) -> dict[str, float]:
    """ROC-AUC, and the recall at each loss."""
    at = {f"recall at {loss:.0%}": recall(score, truth, loss) for loss in LOSSES}
    return {"ROC-AUC": area(score, truth), **at}


def decided(held: np.ndarray, truth: Truth) -> dict[str, float]:
    """Shares of rows and of contributors that a decision holds.

    An attacker with five rows or more is caught when half of the poison is held; an honest
    contributor is lost when half of all rows are.
    """
    result = {
        "honest rows lost": float(held[truth.honest].mean()),
        "right rows lost": float(held[truth.clean].mean()),
        "rarest class lost": _rarest(held, truth),
        "honest contributors lost": _half(held, ~_attackers(truth)[truth.contributors], truth),
    }
    if truth.poison.any():
        result["poison held"] = float(held[truth.poison].mean())
        result["attackers caught"] = _half(held, truth.poison, truth)
    return result


def _attackers(truth: Truth) -> np.ndarray:
    """(contributors,) bool: who sent poison."""
    return np.bincount(truth.contributors, truth.poison) > 0


def _half(held: np.ndarray, counted: np.ndarray, truth: Truth) -> float:
    """Share of contributors with five rows, of whose counted rows half are held; NaN: none."""
    size = np.bincount(truth.contributors)
    among = np.bincount(truth.contributors, counted, minlength=size.size)
    hit = np.bincount(truth.contributors, counted & held, minlength=size.size)
    judged = (among > 0) & (size >= _FEW)
    return float((hit[judged] >= among[judged] / 2).mean()) if judged.any() else float("nan")


def _rarest(held: np.ndarray, truth: Truth) -> float:
    """Share of the honest rows of the rarest class that is held."""
    labels = truth.labels[truth.honest]
    rarest = np.argmin(np.where(np.bincount(labels) > 0, np.bincount(labels), labels.size + 1))
    return float(held[truth.honest][labels == rarest].mean())
