"""How far a candidate moved from the champion, beside how far training alone moves it.

A model trained again on rows drawn again changes some answers whatever the rows say. How
far is measured: *twins* of the champion are trained by its own recipe on its own rows, of
which a part was drawn again. Twins never see tonight's rows: an attacker must not make the
noise that hides him.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foretaste.models.measure import Drawn


@dataclass(frozen=True, slots=True)
class Moved:
    """A measure of the candidate against the champion's; above 0 is better.

    Parameters
    ----------
    drawn
        What was measured, and in every bootstrap resample.
    twins
        (k,) the same measure of each twin; none: no noise is granted but the sample's.
    """

    drawn: Drawn
    twins: tuple[float, ...]

    @property
    def noise(self) -> float:
        """How far training alone moves the measure: a standard deviation."""
        return tolerated(self.twins)

    @property
    def spread(self) -> float:
        """Standard error of the measure: the sample's and the training's together."""
        return math.hypot(float(self.drawn.resampled.std()), self.noise)

    def below(self, bound: float = 0.0) -> float:
        """One-sided p-value of "the true value is at least ``bound``"."""
        return self.drawn.below(bound, self.noise, len(self.twins))


def tolerated(moved: Sequence[float]) -> float:
    """Give the standard deviation of one more twin, from how far ``moved`` k twins lie off.

    Their root mean square, larger by sqrt(1 + 1 / k) for having been estimated; 0 of
    nothing.
    """
    k = len(moved)
    return float(np.sqrt((1 + 1 / k) * np.mean(np.square(moved)))) if k else 0.0
