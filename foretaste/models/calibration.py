"""Whether a model's probabilities can be believed, compared with the champion's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretaste.core.policy import Gates
from foretaste.models.evaluate import calibration_error
from foretaste.models.family import Test
from foretaste.models.golden import Golden
from foretaste.models.measure import mean
from foretaste.models.noise import Moved
from foretaste.models.predict import Predicted


def brier(said: Predicted, golden: Golden) -> np.ndarray:
    """Give each labelled row's Brier score (1950): 0 is best, 2 is sure of another class."""
    columns = {name: i for i, name in enumerate(said.classes)}
    codes = np.array([columns.get(label, -1) for label in golden.labels])
    given = said.probability[golden.known]
    true = np.where(codes >= 0, given[np.arange(len(codes)), codes], 0.0)
    # |p - e|² = |p|² - 2 p_true + 1, also for a label that the model does not know.
    return np.asarray((given**2).sum(axis=1) - 2 * true + 1.0)


def gained(
    ours: Predicted,
    theirs: Predicted,
    twins: Sequence[Predicted],
    golden: Golden,
    limits: Gates,
    *,
    seed: int,
) -> Moved:
    """Resample by how much the mean Brier score is better (above 0) than the champion's."""
    before = brier(theirs, golden)
    gain = before - brier(ours, golden)
    drawn = mean(gain, golden.groups, resamples=limits.bootstrap, seed=seed)
    return Moved(drawn, tuple(float((before - brier(twin, golden)).mean()) for twin in twins))


def calibration_test(
    ours: Predicted, theirs: Predicted, golden: Golden, found: Moved, limits: Gates
) -> Test:
    """Ask whether the Brier score, from ``gained``, got worse beyond the noise.

    The expected calibration error is told beside it.
    """
    errors = [calibration_error(m, golden.known, golden.labels) for m in (ours, theirs)]
    return Test(
        name="calibration",
        seen=found.drawn.interval(limits.alpha),
        p_value=found.below(),
        threshold=f">= 0, or not surely below; noise {found.noise:.4f}",
        meaning=(
            f"Brier score gained over the champion; expected calibration error {errors[0]:.3f}, "
            f"the champion's {errors[1]:.3f}"
        ),
        action="look at `foretaste diff` for new labels that contradict old ones",
    )
