"""The paper's own defence, kept as the baseline: micro-models on slices of time."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.calibration import label_llr
from detectors.content.slices import Slicing, actor_slices, time_slices
from detectors.content.votes import MAX_ROWS_PER_SLICE, silence, vote
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats


class TimeSlices(Estimator):
    """Cut time into slices, train a micro-model on each, let the majority vote.

    After Cretu et al., "Casting out Demons: Sanitizing Training Data for Anomaly
    Sensors" (IEEE S&P 2008), with classifiers for models and a slice's own rows left
    out of its vote. Sees poison that is confined to a few slices and random flips.
    Cannot see an attacker who is there all the time, collusion, or backdoors, and takes
    drift for poison; hence the low cap. It only ever adds suspicion: agreement with
    one's own accomplices in other slices speaks for nobody.

    Cost: one linear model per slice on at most 8,000 rows each, and their predictions.
    Threshold: ``alarm``, for the report only.

    Parameters
    ----------
    n_slices
        Slices with equal numbers of rows, in the order of time.
    high
        Nats at which the ratio is clipped.
    alarm
        Share of votes against a label from which a row counts as flagged; the paper's V.
    min_rows, min_contributors
        Rows and contributors below which it abstains.
    """

    name: str = "time_slices"
    version: str = "1"
    family: str = "micro_models"
    heavy: bool = True

    def __init__(
        self,
        *,
        n_slices: int = 12,
        high: float = 0.3,
        alarm: float = 0.5,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.n_slices = n_slices
        self.high = high
        self.alarm = alarm
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row by the slices of other times."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        why = why or ("" if batch.has_time else "rows carry no time of their own")
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        everyone = np.ones(batch.n_rows, dtype=bool)
        votes = vote(batch, self._slices(batch), everyone, max_rows=MAX_ROWS_PER_SLICE)
        known = np.isfinite(votes.disagreement)
        if not known.any():
            return Opinion.abstain(self, batch.n_rows, "no slice could vote")
        llr = label_llr(
            votes.probability,
            batch.labels,
            batch.contributors,
            seed=batch.seed,
            low=0.0,
            high=self.high,
        )
        score = np.nan_to_num(votes.disagreement).astype(np.float64)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr > 0).tolist():
            reason[row] = f"time-slices: against={score[row]:.2f}"
        return Opinion(
            self.name,
            self.version,
            self.family,
            to_micro_nats(llr, self.high),
            score,
            known & (score > self.alarm),
            reason.tolist(),
        )

    def _slices(self, batch: Batch) -> list[Slicing]:
        """Cut by time alone, as in the paper, and by time and actor."""
        side = max(2, round(self.n_slices**0.5))
        when, who = time_slices(batch.times, side), actor_slices(batch, side, 1)[0]
        return [Slicing.of(time_slices(batch.times, self.n_slices)), Slicing.crossed(when, who)]
