"""Feature outliers, as anomaly detectors on slices of other people and other days see them."""

from __future__ import annotations

import numpy as np

from detectors.base import Estimator
from detectors.content.anomaly_votes import abnormality
from detectors.content.conformal import conformal_nats, trusted
from detectors.content.handed import HANDED, handed
from detectors.content.outliers import tail_rarity
from detectors.content.slices import Slicing, actor_slices, time_slices
from detectors.content.votes import silence
from foretaste.core.batch import Batch
from foretaste.core.evidence import Opinion, to_micro_nats

_RARE = 1e-3


class SliceOutliers(Estimator):
    """Let anomaly detectors of other slices, one per slice and class, vote on each row.

    After Cretu et al., "Casting out Demons" (IEEE S&P 2008), with slices of actors and
    crossed ones beside the paper's slices of time. Sees values that rows of the label do
    not have elsewhere: crude outliers, broken clients, also where their sender made them
    usual in his own slice. Cannot see poison inside the honest range, flips or collusion.
    It speaks of extremes only, beside rows of the same label and time: what a day's rows
    have in common is drift. Against a trusted release it must hold, too.

    Cost: O(n d) for each of 3 x 4 to 6 slices. Threshold: rarer than one in 1,000.

    Parameters
    ----------
    n_slices
        Slices of time, and of actors; crossed, the square of half as many.
    max_llr
        Cap in nats.
    slope
        Nats per unit of log-rarity beyond the threshold.
    min_rows, min_contributors
        Rows and contributors below which it abstains.
    """

    name: str = "slice_outliers"
    version: str = "1"
    family: str = "rows"
    heavy: bool = True

    def __init__(
        self,
        *,
        n_slices: int = 6,
        max_llr: float = 1.5,
        slope: float = 0.3,
        min_rows: int = 300,
        min_contributors: int = 12,
    ) -> None:
        self.n_slices = n_slices
        self.max_llr = max_llr
        self.slope = slope
        self.min_rows = min_rows
        self.min_contributors = min_contributors

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row beside rows of its label and time."""
        why = silence(batch, min_rows=self.min_rows, min_contributors=self.min_contributors)
        if why:
            return Opinion.abstain(self, batch.n_rows, why)
        if handed(batch):
            return Opinion.abstain(self, batch.n_rows, HANDED)
        distance = abnormality(batch, self._slices(batch))
        if not np.isfinite(distance).any():
            return Opinion.abstain(self, batch.n_rows, "no slice has 30 rows of a label")
        when = time_slices(batch.times, self.n_slices)
        rarity = _rarity(distance, batch.labels, when)
        nats = np.maximum(self.slope * (rarity + np.log(_RARE)), 0.0)
        null = trusted(batch)
        if null.any():
            released = conformal_nats(
                distance, batch.labels, null, low=-self.max_llr, high=self.max_llr
            )
            nats = np.where(nats > 0, np.maximum((nats + released) / 2, 0.0), 0.0)
        llr = to_micro_nats(nats, self.max_llr)
        reason = np.full(batch.n_rows, "", dtype=object)
        for row in np.flatnonzero(llr).tolist():
            rare = rarity[row] / np.log(10)
            reason[row] = f"slice-outlier: distance={distance[row]:.1f} rarity=1e-{rare:.1f}"
        score = np.nan_to_num(distance)
        return Opinion(self.name, self.version, self.family, llr, score, llr > 0, reason.tolist())

    def _slices(self, batch: Batch) -> list[Slicing]:
        """Cut by actor; and by time, and both, where rows have times of their own."""
        who = [Slicing.of(actor_slices(batch, self.n_slices, 1)[0])]
        if not batch.has_time:
            return who
        half = max(2, self.n_slices // 2)
        crossed = Slicing.crossed(time_slices(batch.times, half), actor_slices(batch, half, 2)[-1])
        return [*who, Slicing.of(time_slices(batch.times, self.n_slices)), crossed]


def _rarity(distance: np.ndarray, labels: np.ndarray, when: np.ndarray) -> np.ndarray:
    """(n,) -log probability of a larger distance among rows of the same label and time."""
    out = np.zeros(distance.size)
    known = np.isfinite(distance)
    cell = labels.astype(np.int64) * (int(when.max(initial=0)) + 1) + when
    order = np.flatnonzero(known)[np.argsort(cell[known], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        out[rows] = tail_rarity(distance[rows])
    return out
