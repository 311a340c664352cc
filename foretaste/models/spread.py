"""Whether harm sits with a few people, or is what everybody's rows do.

A change of the task, a slip of a form or a bad night hurt a model through the rows of
everybody, and whoever happens to have sent most of them looks guilty. A permutation test
tells the two apart: rows are dealt again among the people, each label for itself, so that
sending much of one label is no sign of anything.
"""

from __future__ import annotations

from typing import Final

import numpy as np

DRAWS: Final = 199


def per_actor(harm: np.ndarray, actors: np.ndarray, count: int) -> np.ndarray:
    """Score people by their rows: the sum over the root of their number.

    Parameters
    ----------
    harm
        (n,) nats that each row costs; positive: it harms.
    actors
        (n,) codes of who sent the rows, below ``count``.

    Returns
    -------
    numpy.ndarray
        (count,) higher is surer; 0 for who sent nothing.
    """
    rows = np.bincount(actors, minlength=count)
    total = np.bincount(actors, weights=harm, minlength=count)
    return np.asarray(total / np.sqrt(np.maximum(rows, 1)))


def spread(
    harm: np.ndarray, actors: np.ndarray, labels: np.ndarray, group: np.ndarray, *, seed: int
) -> float:
    """Test that a group's harm is more than the same rows would do in other hands.

    Parameters
    ----------
    harm
        (n,) nats that each row costs a model that has seen none of them.
    actors, labels
        (n,) integer codes of who sent the rows, and of their labels.
    group
        Codes of the people who are suspected, chosen by their harm.
    seed
        Of the draws.

    Returns
    -------
    float
        p-value: share of the deals, this one among them, in which as many people, the most
        harmful of the deal, harm at least as much.
    """
    rng = np.random.default_rng([seed, 2])
    count = int(max(actors.max(), group.max())) + 1
    seen = per_actor(harm, actors, count)[group].sum()
    place = np.argsort(labels, kind="stable")
    dealt, reached = np.empty_like(harm), 1
    for _ in range(DRAWS):
        dealt[place] = harm[np.lexsort((rng.random(len(harm)), labels))]
        most = np.partition(per_actor(dealt, actors, count), count - len(group))
        # Equal deals differ in the last bits of their sums.
        reached += bool(most[count - len(group) :].sum() >= seen * (1 - 1e-9))
    return reached / (DRAWS + 1)
