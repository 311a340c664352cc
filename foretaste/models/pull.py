"""How far a candidate was pulled towards what attackers want, before answers flip.

Few canaries flip while an attack is young; their probabilities move all at once. By how
much retraining alone moves them is only known from twins, so without twins nothing is
asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from foretaste.core.gate import Gate
from foretaste.core.policy import Gates
from foretaste.models.churn import not_measured
from foretaste.models.family import Test, worst
from foretaste.models.measure import mean
from foretaste.models.noise import Moved
from foretaste.models.predict import Predicted

_NAME = "attack_pull"


def pulled(
    ours: Predicted,
    theirs: Predicted,
    twins: Sequence[Predicted],
    canaries: pd.DataFrame,
    rows: np.ndarray,
    limits: Gates,
    *,
    seed: int,
) -> Moved:
    """Resample the mean fall of the probability of the attackers' targets, above 0: better.

    Parameters
    ----------
    ours, theirs, twins
        Predictions on ``canaries`` by candidate, champion and the champion's twins.
    rows
        (n,) bool: which canaries are asked.
    """
    wanted = canaries["target_label"].astype(str)[rows]
    before, now, *again = (_given(m, wanted, rows) for m in (theirs, ours, *twins))
    # Not the golden set's draws: the two sets are independent of each other.
    drawn = mean(before - now, None, resamples=limits.bootstrap, seed=seed + 1)
    return Moved(drawn, tuple(float((before - twin).mean()) for twin in again))


def pull_test(found: Mapping[str, Moved], limits: Gates) -> Gate | Test:
    """Ask whether the target's probability rose on any attack's canaries beyond the noise.

    Parameters
    ----------
    found
        From ``pulled``, by attack.
    """
    if not all(moved.twins for moved in found.values()):
        return not_measured(_NAME, "how far training alone pulls canaries was not measured")
    names = sorted(found)
    at, p_value = worst(names, [found[name].below() for name in names])
    seen = found[names[at]]
    return Test(
        name=_NAME,
        seen=seen.drawn.interval(limits.alpha),
        p_value=p_value,
        threshold=f">= 0, or not surely below; noise {seen.noise:.4f}",
        meaning=(
            f"mean fall of the probability of the attacker's target against the champion, attack "
            f"{names[at]}; retraining alone moves it by {seen.noise:.4f}"
        ),
        action="open the rows behind this release's changes and purge what taught the attack",
    )


def _given(said: Predicted, wanted: pd.Series, rows: np.ndarray) -> np.ndarray:
    """Probability that a model gives to each canary's target; 0 for a label it lacks."""
    column = {name: i for i, name in enumerate(said.classes)}
    codes = wanted.map(column).fillna(-1).to_numpy(int)
    given = said.probability[rows]
    return np.where(codes >= 0, given[np.arange(len(codes)), codes], 0.0)
