"""Whether a model's probabilities can be believed, compared with the champion's."""

from __future__ import annotations

import numpy as np

from foretaste.core.policy import Gates
from foretaste.models.evaluate import calibration_error
from foretaste.models.family import Test
from foretaste.models.golden import Golden
from foretaste.models.measure import Drawn, mean
from foretaste.models.predict import Predicted


def brier(said: Predicted, golden: Golden) -> np.ndarray:
    """Give each labelled row's Brier score (1950): 0 is best, 2 is sure of another class."""
    columns = {name: i for i, name in enumerate(said.classes)}
    codes = np.array([columns.get(label, -1) for label in golden.labels])
    given = said.probability[golden.known]
    true = np.where(codes >= 0, given[np.arange(len(codes)), codes], 0.0)
    # |p - e|² = |p|² - 2 p_true + 1, also for a label that the model does not know.
    return np.asarray((given**2).sum(axis=1) - 2 * true + 1.0)


def worsened(ours: Predicted, theirs: Predicted, golden: Golden, limits: Gates, seed: int) -> Drawn:
    """Resample by how much the mean Brier score is better (above 0) than the champion's."""
    gain = brier(theirs, golden) - brier(ours, golden)
    return mean(gain, golden.groups, resamples=limits.bootstrap, seed=seed)


def calibration_test(
    ours: Predicted,
    theirs: Predicted,
    golden: Golden,
    limits: Gates,
    *,
    floor: float,
    twins: int,
    seed: int,
) -> Test:
    """Ask whether the Brier score got worse beyond the noise ``floor`` that ``twins`` showed.

    The expected calibration error is told beside it.
    """
    found = worsened(ours, theirs, golden, limits, seed)
    errors = [calibration_error(m, golden.known, golden.labels) for m in (ours, theirs)]
    return Test(
        name="calibration",
        seen=found.interval(limits.alpha),
        p_value=found.below(0.0, floor, twins),
        threshold=f">= 0, or not surely below; noise {floor:.4f}",
        meaning=(
            f"Brier score gained over the champion; expected calibration error {errors[0]:.3f}, "
            f"the champion's {errors[1]:.3f}"
        ),
        action="look at `foretaste diff` for new labels that contradict old ones",
    )
