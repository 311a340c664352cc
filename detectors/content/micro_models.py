"""What other people's models say about a label, as evidence."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.abnormal import recognised
from detectors.content.calibration import bayes_ratio, label_llr, voiced
from detectors.content.conformal import trusted
from detectors.content.reasons import label_word
from detectors.content.undecided import UNDECIDED
from detectors.content.votes import silence, votes_of
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class MicroModels(Estimator):
    """Let micro-models on slices of other actors vote on each row's label.

    Sees flipped labels, pushed boundaries and mislabelled outliers, one row at a time,
    as long as the attackers reach a minority of the slices. Cannot see poison that
    agrees with honest rows of its label (clean-label attacks), nor anything where
    attackers hold the majority of a label's region: there it says "undecided".

    A row under its own label is compared with such rows under labels they do not carry,
    label by label, so that a hard or rare class is held to its own base rate.

    Cost: 2 x 24 linear models on at most 8,000 rows each, and their predictions.
    Threshold: ``alarm``, for the report only; the decision reads the nats.

    Parameters
    ----------
    low, high
        Nats at which the calibrated ratio is clipped.
    again
        Nats at most for what the abnormal model adds.
    alarm
        Nats from which a row counts as flagged in the report.
    min_rows, min_contributors
        Rows and contributors below which it abstains.
    """

    name: str = "micro_models"
    version: str = "1"
    family: str = "micro_models"
    heavy: bool = True

    def __init__(
        self,
        *,
        low: float = -3.0,
        high: float = 5.0,
        again: float = 1.5,
        alarm: float = 2.0,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.low = low
        self.high = high
        self.again = again
        self.alarm = alarm
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row that anybody could vote on."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        votes = votes_of(batch)
        voted = np.isfinite(votes.probability).all(axis=1)
        if not voted.any():
            return Opinion.abstain(self, batch.n_rows, "no slice could vote")
        known = np.isfinite(votes.disagreement)
        tied = voted & ~known
        curve = label_llr(
            votes.probability,
            batch.labels,
            batch.contributors,
            seed=batch.seed,
            low=self.low,
            high=self.high,
            null=trusted(batch),
        )
        choice = voiced(batch.labels, batch.actors, len(batch.classes))
        k = max(2, int(np.count_nonzero(choice)))
        ratio = np.nan_to_num(bayes_ratio(votes.probability, batch.labels, k))
        llr = np.clip((curve + ratio) / 2, self.low, self.high)
        llr[~known] = 0.0
        again = recognised(batch, votes, llr, high=self.again)
        llr = np.clip(llr + np.where(known, again, 0.0), self.low, self.high)
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(llr, max(self.high, -self.low)),
            np.nan_to_num(votes.disagreement).astype(np.float64),
            llr >= self.alarm,
            _reasons(batch, votes.probability, votes.disagreement, llr, tied),
        )


def _reasons(
    batch: Batch,
    probability: np.ndarray,
    disagreement: np.ndarray,
    llr: np.ndarray,
    tied: np.ndarray,
) -> list[str]:
    reason = np.full(batch.n_rows, "", dtype=object)
    reason[llr < 0] = "votes: agree"
    reason[tied] = UNDECIDED
    words = [label_word(batch.classes, code) for code in range(len(batch.classes))]
    rows = np.flatnonzero(llr > 0)
    best = probability[rows].argmax(axis=1)
    for row, other in zip(rows.tolist(), best.tolist(), strict=True):
        given = probability[row, batch.labels[row]]
        reason[row] = (
            f"votes: against={disagreement[row]:.2f} p({words[batch.labels[row]]})={given:.3f} "
            f"best={words[other]}"
        )
    out: list[str] = reason.tolist()
    return out
