"""Certified accuracy by the number of hostile accounts, for the card and as a gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Certified
from foretaste.models.measure import gate, undecided, wilson
from foretaste.models.partitioned.certificate import Certificates
from foretaste.models.partitioned.conditions import Standing

UP_TO: Final = 12
"""Hostile accounts at which a curve ends unless told otherwise."""
_ACTION: Final = "keep the champion; more contributors, or another number of partitions"
_LABEL: Final = "keep a golden set: what is certified must also be right"
_PROVE: Final = "make the conditions hold, or turn model.certified off"


@dataclass(frozen=True, slots=True)
class CertifiedCurve:
    """Right and certified answers on labelled rows, by the number of hostile accounts.

    Parameters
    ----------
    hostile
        Numbers of hostile accounts m, rising from 0; at 0 it is plain accuracy.
    support
        Rows of each class.
    right
        Of each class, rows predicted right and the same under any m hostile accounts; one
        count per entry of ``hostile``.
    word, reasons
        ``certified``, or ``heuristic`` and why; see ``conditions``.
    """

    hostile: tuple[int, ...]
    support: Mapping[str, int]
    right: Mapping[str, tuple[int, ...]]
    word: str
    reasons: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Number of labelled rows."""
        return sum(self.support.values())

    def hits(self, hostile: int) -> int:
        """Count rows that are right under any ``hostile`` accounts."""
        at = self.hostile.index(hostile)
        return sum(counts[at] for counts in self.right.values())

    def accuracy(self, hostile: int) -> float:
        """Share of rows that are right under any ``hostile`` accounts; NaN without rows."""
        return self.hits(hostile) / self.rows if self.rows else math.nan

    def recall(self, label: str, hostile: int) -> float:
        """Share of a class that is right under any ``hostile`` accounts."""
        return self.right[label][self.hostile.index(hostile)] / self.support[label]

    def worst(self, hostile: int) -> str | None:
        """Name the class of least certified recall, the first of equals; None without rows."""
        return min(sorted(self.support), key=lambda c: self.recall(c, hostile), default=None)


def certified_curve(
    found: Certificates, truth: np.ndarray, judged: Standing, *, up_to: int = UP_TO
) -> CertifiedCurve:
    """Count right and certified answers for 0 to ``up_to`` hostile accounts.

    Parameters
    ----------
    found
        From ``PartitionedClassifier.certify`` on trusted rows.
    truth
        (n,) their labels.
    judged
        Whether the radii are proven, from ``conditions.standing``.
    """
    hostile = tuple(range(up_to + 1))
    names = truth.astype(str)
    withstood = np.where(found.labels.astype(str) == names, found.radius, -1)
    right = {
        str(label): tuple(int((withstood[names == label] >= m).sum()) for m in hostile)
        for label in np.unique(names)
    }
    support = {label: int((names == label).sum()) for label in right}
    return CertifiedCurve(hostile, support, right, judged.word, judged.reasons)


def certificate_gates(
    curve: CertifiedCurve, limits: Certified, *, alpha: float = 0.05
) -> tuple[Gate, Gate]:
    """Ask for certified accuracy, and for certified recall of the worst class.

    Accuracy alone would pass a model that certifies nothing but the largest class. Numbers
    that are only heuristic leave both undecided: there is nothing to rely on.

    Parameters
    ----------
    curve
        On the golden set; it must reach ``limits.hostile``.
    limits
        The policy's ``model.certified``.
    alpha
        Level of the Wilson intervals.
    """
    m, worst = limits.hostile, curve.worst(limits.hostile)
    least = (curve.right[worst][curve.hostile.index(m)], curve.support[worst]) if worst else (0, 0)
    return (
        _asked(
            "certified_accuracy",
            (curve.hits(m), curve.rows),
            limits.min_accuracy,
            f"share of golden rows that stay right whatever {m} accounts send",
            curve.reasons,
            alpha,
        ),
        _asked(
            "certified_recall",
            least,
            limits.min_recall,
            f"the same of class {worst}, the worst",
            curve.reasons,
            alpha,
        ),
    )


def _asked(
    name: str,
    seen: tuple[int, int],
    least: float,
    meaning: str,
    reasons: Sequence[str],
    alpha: float,
) -> Gate:
    threshold = f">= {least:.2f}"
    if not seen[1]:
        return undecided(name, threshold=threshold, meaning="no golden rows", action=_LABEL)
    if reasons:
        why = f"{meaning}; not proven: {'; '.join(reasons)}"
        return undecided(name, threshold=threshold, meaning=why, action=_PROVE)
    interval = wilson(*seen, alpha)
    state = GateState.PASS if interval.low >= least else GateState.WARN
    if interval.value < least:
        state = GateState.FAIL
    return gate(name, interval, state, threshold=threshold, meaning=meaning, action=_ACTION)
