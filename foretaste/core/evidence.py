"""Evidence: what a detector says about a row, in one unit for all.

The unit is the log-likelihood ratio ``log P(seen | poison) / P(seen | honest)``,
natural logarithm, stored as an integer number of micro-nats so that sums are exact
on every engine and in every order. Positive means poison. A detector with nothing
to say adds exactly 0: no evidence is not evidence of honesty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from foretaste.core.batch import Batch

MICRO: Final = 1_000_000
"""Micro-nats in a nat."""

EVIDENCE_SCHEMA: Final = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("family", pa.string(), nullable=False),
        pa.field("llr", pa.int64(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("flagged", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


def to_micro_nats(llr: np.ndarray, cap: float) -> np.ndarray:
    """Round log-likelihood ratios in nats to integer micro-nats within ±``cap``.

    Raises
    ------
    ValueError
        If any value is not finite: a detector must abstain (0), never guess.
    """
    if not np.isfinite(llr).all():
        raise ValueError("log-likelihood ratios must be finite; abstaining is exactly 0")
    micro: np.ndarray = np.rint(np.clip(llr, -cap, cap) * MICRO).astype(np.int64)
    return micro


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one detector says about every row of a batch.

    Parameters
    ----------
    detector, version, family
        Who speaks, in which version, and with whom it shares one cap.
    llr
        (n_rows,) int64 micro-nats; exactly 0 where the detector abstains.
    score
        (n_rows,) float64, the raw score; larger is more suspicious; 0 where abstained.
    flagged
        (n_rows,) bool, the detector's own alarm; only for the report.
    reason
        n_rows short texts, "" where there is nothing to say. A stable code, a colon,
        then the numbers: ``"excess: 8->3 n=31 k=24 base=0.05"``. Never contributed text.
    abstained
        Why the whole detector had nothing to say; "" when it spoke.
    """

    detector: str
    version: str
    family: str
    llr: np.ndarray
    score: np.ndarray
    flagged: np.ndarray
    reason: Sequence[str]
    abstained: str = ""

    @classmethod
    def abstain(cls, detector: Detector, n_rows: int, why: str) -> Opinion:
        """Say nothing about ``n_rows`` rows, and why."""
        return cls(
            detector=detector.name,
            version=detector.version,
            family=detector.family,
            llr=np.zeros(n_rows, dtype=np.int64),
            score=np.zeros(n_rows),
            flagged=np.zeros(n_rows, dtype=bool),
            reason=[""] * n_rows,
            abstained=why,
        )

    def table(self, row_ids: np.ndarray, rows: np.ndarray) -> pa.Table:
        """Turn the non-zero opinions on ``rows`` (bool mask) into an evidence table."""
        keep = np.flatnonzero(rows & (self.llr != 0))
        reasons = np.asarray(self.reason, dtype=object)[keep]
        return pa.table(
            {
                "row_id": pa.array(row_ids[keep], pa.string()),
                "detector": pa.array([self.detector] * keep.size, pa.string()),
                "family": pa.array([self.family] * keep.size, pa.string()),
                "llr": pa.array(self.llr[keep], pa.int64()),
                "score": pa.array(self.score[keep], pa.float64()),
                "flagged": pa.array(self.flagged[keep], pa.bool_()),
                "reason": pa.array(reasons, pa.string()),
            },
            schema=EVIDENCE_SCHEMA,
        )


@runtime_checkable
class Detector(Protocol):
    """A scikit-learn-style estimator that gives evidence on the rows it is fitted on.

    Like a scikit-learn clusterer it is transductive: parameters in ``__init__``,
    ``fit_evidence`` learns from the batch and speaks about the same batch. It reads no
    file and no clock, changes nothing it is given, and is deterministic in
    (batch, parameters). Its docstring says which attack it sees, which it cannot see,
    its cost and its threshold.
    """

    name: str
    version: str
    family: str
    heavy: bool
    """True when it should run in a child process with a deadline."""

    def fit_evidence(self, batch: Batch) -> Opinion:
        """Judge every row of ``batch``, earlier nights' rows included."""
        ...
