"""Confident learning: labels that out-of-actor probabilities contradict."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import Score, label_llr
from detectors.content.reasons import label_word
from detectors.content.votes import silence, votes_of
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class LabelNoise(Estimator):
    """Find label issues with cleanlab on probabilities from other actors' rows.

    After Northcutt, Jiang and Chuang, "Confident Learning" (JAIR 2021). Sees random
    flips and honest noise. Cannot see targeted, colluding, copied or backdoored rows,
    and reads the same probabilities as ``micro_models``; hence the low cap. It only adds
    suspicion, and only to rows that cleanlab lists as issues.

    Cost: O(rows x classes), after the votes. Threshold: cleanlab's own, from the
    confident joint.

    Parameters
    ----------
    high
        Nats at which the calibrated ratio is clipped.
    min_rows, min_contributors
        Rows and contributors below which it abstains.
    """

    name: str = "label_noise"
    version: str = "1"
    family: str = "rows"
    heavy: bool = True

    def __init__(
        self, *, high: float = 0.3, min_rows: int = 300, min_contributors: int = 12
    ) -> None:
        self.high = high
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row that has a probability for its label."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        votes = votes_of(batch)
        probability = votes.probability
        known = np.flatnonzero(np.isfinite(probability).all(axis=1))
        if np.unique(batch.labels[known]).size < 2:
            return Opinion.abstain(self, batch.n_rows, "fewer than two labels have votes")
        issue, quality = confident_learning(probability[known], batch.labels[known])
        score = np.zeros(batch.n_rows)
        score[known] = 1.0 - quality
        flagged = np.zeros(batch.n_rows, dtype=bool)
        flagged[known] = issue
        llr = label_llr(
            probability,
            batch.labels,
            batch.contributors,
            seed=batch.seed,
            low=0.0,
            high=self.high,
            score=_self_confidence(probability),
        )
        told = np.isfinite(votes.disagreement)
        llr = np.where(flagged & told, llr, 0.0)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr > 0).tolist():
            word = label_word(batch.classes, int(batch.labels[row]))
            reason[row] = f"label-issue: label={word} quality={1 - score[row]:.3f}"
        micro = to_micro_nats(llr, self.high)
        return Opinion(self.name, self.version, self.family, micro, score, flagged, reason.tolist())


def confident_learning(
    probability: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) whether cleanlab lists the row as an issue, and its label quality in [0, 1].

    Labels that nobody gave are left out: cleanlab wants every class to occur.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    present, codes = np.unique(labels, return_inverse=True)
    p = np.maximum(probability[:, present].astype(np.float64), 1e-9)
    p /= p.sum(axis=1, keepdims=True)
    issue = find_label_issues(codes, p, n_jobs=1)
    quality = get_label_quality_scores(codes, p)
    return np.asarray(issue, dtype=bool), np.asarray(quality, dtype=np.float64)


def _self_confidence(probability: np.ndarray) -> Score:
    def score(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        out: np.ndarray = -np.log(np.maximum(probability[rows, labels], 1e-6)).astype(np.float64)
        return out

    return score
