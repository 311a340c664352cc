"""How far a candidate was pulled towards what attackers want, before answers flip.

Few canaries flip while an attack is young; their probabilities move all at once. By how
much retraining alone moves them is only known from twins, so without twins nothing is
asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate
from foretaste.core.policy import Gates
from foretaste.models.canaries import attacks
from foretaste.models.churn import not_measured, tolerated
from foretaste.models.family import Test, worst
from foretaste.models.measure import Drawn, mean
from foretaste.models.predict import Predicted

_NAME = "attack_pull"


def pull_test(
    ours: Predicted,
    theirs: Predicted,
    twins: Sequence[Predicted],
    canaries: pd.DataFrame,
    limits: Gates,
    *,
    seed: int,
) -> Gate | Test:
    """Ask whether the target's probability rose on any attack's canaries beyond the noise.

    Parameters
    ----------
    ours, theirs, twins
        Predictions on ``canaries`` by candidate, champion and the champion's twins.
    """
    if not twins:
        return not_measured(_NAME, "how far training alone pulls canaries was not measured")
    found = {
        name: _pulled(ours, theirs, twins, canaries[rows], rows, limits, seed)
        for name, rows in attacks(canaries).items()
    }
    names = sorted(found)
    p_values = [found[name][0].below(0.0, found[name][1], len(twins)) for name in names]
    at, p_value = worst(names, p_values)
    drawn, floor = found[names[at]]
    return Test(
        name=_NAME,
        seen=drawn.interval(limits.alpha),
        p_value=p_value,
        threshold=f">= 0, or not surely below; noise {floor:.4f}",
        meaning=(
            f"mean fall of the probability of the attacker's target against the champion, attack "
            f"{names[at]}; retraining alone moves it by {floor:.4f}"
        ),
        action="open the rows behind this release's changes and purge what taught the attack",
    )


def _pulled(
    ours: Predicted,
    theirs: Predicted,
    twins: Sequence[Predicted],
    canaries: pd.DataFrame,
    rows: np.ndarray,
    limits: Gates,
    seed: int,
) -> tuple[Drawn, float]:
    before = _wanted(theirs, canaries, rows)
    fall = before - _wanted(ours, canaries, rows)
    noise = tolerated([float((before - _wanted(t, canaries, rows)).mean()) for t in twins])
    return mean(fall, None, resamples=limits.bootstrap, seed=seed), noise


def _wanted(said: Predicted, canaries: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Probability that a model gives to each canary's target; 0 for a label it lacks."""
    column = {name: i for i, name in enumerate(said.classes)}
    codes = canaries["target_label"].astype(str).map(column).fillna(-1).to_numpy(int)
    given = said.probability[rows]
    return np.where(codes >= 0, given[np.arange(len(codes)), codes], 0.0)
