"""What the evidence is worth as a sum, against the best known peer alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from detectors.content.votes import out_of_actor_votes
from detectors.registry import make
from foretaste.core.recalibration import recalibrated
from tests.detectors.worlds import ATTACKS, World, world

TOGETHER = ("micro_models", "time_slices", "contributor_excess", "newcomers", "label_noise")
TARGETED = ("skew", "backdoor", "copies", "collusion", "covered_skew", "sybil_skew", "ring")


def _recall(w: World, score: np.ndarray, loss: float) -> float:
    """Share of poison strictly above what costs ``loss`` of the honest rows."""
    line = np.quantile(score[w.honest], 1 - loss, method="higher")
    return float((score[w.poison] > line).mean())


def _sum(w: World) -> np.ndarray:
    batch = w.batch.with_votes(out_of_actor_votes(w.batch))
    total: np.ndarray = np.sum([make(name).fit_evidence(batch).llr for name in TOGETHER], axis=0)
    return total


def _confident_learning(w: World) -> np.ndarray:
    """Row-wise cross-validation, as cleanlab's tutorials do it: 1 - self-confidence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        p = cross_val_predict(
            LogisticRegression(C=0.5, max_iter=40),
            w.batch.features,
            w.batch.labels,
            cv=5,
            method="predict_proba",
        )
    return 1 - p[np.arange(w.batch.n_rows), w.batch.labels]


@pytest.mark.parametrize("attack", TARGETED)
def test_the_sum_beats_confident_learning_on_targeted_attacks(attack: str) -> None:
    attacked = world("digits", attack)
    assert _recall(attacked, _sum(attacked), 0.01) >= 0.9
    assert _recall(attacked, _confident_learning(attacked), 0.01) <= 0.7


@pytest.mark.parametrize("attack", sorted(set(ATTACKS) - set(TARGETED) - {"covered_backdoor"}))
def test_the_sum_finds_the_rest_too(attack: str) -> None:
    attacked = world("digits", attack)
    assert _recall(attacked, _sum(attacked), 0.05) >= 0.9


@pytest.mark.parametrize("data", ["digits", "synth"])
def test_a_clean_night_loses_few_honest_rows_and_no_class_many(data: str) -> None:
    quiet = world(data, seed=3)
    worth = recalibrated(_sum(quiet), np.asarray(quiet.batch.contributors))
    lost = worth > 2_500_000
    assert lost[quiet.honest].mean() <= 0.01
    for label in range(len(quiet.batch.classes)):
        assert lost[quiet.honest & (quiet.batch.labels == label)].mean() <= 0.05
