"""The labelled golden rows: what models are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.policy import Gates
from foretaste.models.measure import (
    LEAST_GROUPS,
    METRICS,
    Interval,
    bootstrap,
    difference,
    measure,
)
from foretaste.models.noise import Moved
from foretaste.models.predict import Predicted

LEAST: Final = 30
"""Golden rows below which no interval means anything."""


@dataclass(frozen=True, slots=True)
class Golden:
    """The labelled golden rows.

    Parameters
    ----------
    known
        (all,) bool: which rows of the golden set have a label.
    labels
        (n,) their labels.
    groups
        (n,) who sent them, where the set says so.
    """

    known: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None

    @classmethod
    def of(cls, rows: pd.DataFrame | None) -> Golden:
        """Take the labelled rows; none where there is no set or no label column."""
        if rows is None or "label" not in rows.columns:
            return cls(np.zeros(0, dtype=bool), np.zeros(0, dtype=object), None)
        known = rows["label"].notna().to_numpy()
        groups = rows.get("contributor_id")
        return cls(
            known=known,
            labels=rows["label"].astype(str).to_numpy(object)[known],
            groups=None if groups is None else groups.astype(str).to_numpy(object)[known],
        )

    @property
    def clusters(self) -> np.ndarray | None:
        """Give the groups where there are enough to count them instead of rows."""
        enough = self.groups is not None and len(set(self.groups)) >= LEAST_GROUPS
        return self.groups if enough else None

    def fault(self) -> str:
        """Say why nothing can be judged on these rows; "" when it can."""
        n, classes = len(self.labels), len(set(self.labels))
        if n >= LEAST and classes >= 2:
            return ""
        return (
            f"the golden set holds {n} labelled rows of {classes} classes, so nothing says "
            f"whether models got worse"
        )

    def interval(self, said: Predicted, limits: Gates, seed: int) -> Interval:
        """Bootstrap the policy's metric of one model."""
        return bootstrap(
            METRICS[limits.metric],
            self.labels,
            [said.labels[self.known]],
            self.groups,
            resamples=limits.bootstrap,
            alpha=limits.alpha,
            seed=seed,
        )

    def moved(
        self,
        ours: Predicted,
        theirs: Predicted,
        twins: Sequence[Predicted],
        limits: Gates,
        *,
        seed: int,
    ) -> Moved:
        """Bootstrap the policy's metric of ``ours`` minus that of ``theirs``, paired."""
        metric = METRICS[limits.metric]
        drawn = difference(
            metric,
            self.labels,
            (ours.labels[self.known], theirs.labels[self.known]),
            self.groups,
            resamples=limits.bootstrap,
            seed=seed,
        )
        values = [measure(metric, self.labels, m.labels[self.known]) for m in (theirs, *twins)]
        return Moved(drawn, tuple(value - values[0] for value in values[1:]))
