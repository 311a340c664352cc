"""Twins: the champion trained again on its own rows, to know what training alone changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from foretaste.core.policy import Policy
from foretaste.models.train import Trained, train

LEAST_SHARE: Final = 0.02
MOST_SHARE: Final = 0.5
"""Bounds of the share of contributors that are drawn again: a flood must not buy noise."""


def redrawn(groups: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw how often each row counts when a share of the contributors is drawn again.

    A contributor in the share counts as often as the Poisson bootstrap says (Hanley and
    MacGibbon 2006), with all rows; the others count once. Which rows come first decides
    nothing.

    Parameters
    ----------
    groups
        (n,) who sent each row.
    share
        Of the contributors: as much as changed between champion and candidate.

    Returns
    -------
    numpy.ndarray
        (n,) multipliers of the rows' weights, 0 and up.
    """
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    again = rng.random(len(names)) < np.clip(share, LEAST_SHARE, MOST_SHARE)
    return np.asarray(np.where(again, rng.poisson(1.0, len(names)), 1)[codes], dtype=np.float64)


def twins(rows: pd.DataFrame, policy: Policy, share: float) -> Iterator[Trained]:
    """Train twins as they are asked for, at most as many as the policy's gates may need.

    Fewer where the rows drawn hold less than two classes.

    Parameters
    ----------
    rows
        What the champion was trained on, as ``train`` takes it, never tonight's rows.
    share
        Share of the candidate's rows that the champion did not know.
    """
    groups = rows["contributor_id"].to_numpy(object)
    most = max(policy.gates.twins, policy.gates.twins_in_doubt) if policy.gates.twins else 0
    for number in range(most):
        rng = np.random.default_rng([policy.seed, number])
        weight = rows["weight"].to_numpy(np.float64) * redrawn(groups, share, rng)
        if len(set(rows["label"][weight > 0])) > 1:
            yield train(rows.assign(weight=weight), policy, policy.seed + 1 + number)
