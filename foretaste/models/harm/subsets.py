"""The effect of cohorts on any model, from an ensemble trained on random halves of them.

Each cohort is in about half of the models; its effect is what the models without it do
better than those with it (a datamodel of order one, Ilyas et al., ICML 2022; with halves
it is the Banzhaf value, Wang and Jia, AISTATS 2023). One ensemble serves all cohorts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Losses = Callable[[np.ndarray, int], np.ndarray]
"""(n,) bool of the rows to train on and a seed, to the (t,) losses on the trusted rows."""


def subset_effects(
    losses: Losses, cohorts: np.ndarray, *, models: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate every cohort's effect on the mean loss of the trusted rows.

    Parameters
    ----------
    losses
        Trains a model and asks it.
    cohorts
        (n,) codes of the rows' cohorts, 0 to c - 1.
    models
        How many models; the halves come in pairs, each the other's complement, so that
        every cohort is in exactly half of them.

    Returns
    -------
    effect, error
        (c,) nats per trusted row, positive: harm; and the standard error between pairs.
    """
    count = int(cohorts.max()) + 1
    rng = np.random.default_rng(seed)
    gaps = np.zeros((max(2, models // 2), count))
    for pair in range(len(gaps)):
        inside = rng.permutation(count) < count / 2
        kept = inside[cohorts]
        with_half = float(losses(kept, seed + pair).mean())
        without = float(losses(~kept, seed + pair).mean())
        gaps[pair] = np.where(inside, with_half - without, without - with_half)
    return gaps.mean(axis=0), gaps.std(axis=0, ddof=1) / np.sqrt(len(gaps))
