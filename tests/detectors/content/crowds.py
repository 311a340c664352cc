"""Crowds whom the tests know: honest labellers of items, and crews among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from foretaste.core.batch import Batch
from tests.detectors.worlds import make_batch


@dataclass(frozen=True, slots=True)
class CrowdWorld:
    """A batch, and of each row whether its label is right, a target's, and a crew's."""

    batch: Batch
    right: np.ndarray
    target: np.ndarray
    crew: np.ndarray


def crowd_world(
    *,
    seed: int = 0,
    n_items: int = 400,
    n_people: int = 60,
    votes: int = 6,
    accuracy: float = 0.95,
    k: int = 3,
    n_crew: int = 0,
    n_targets: int = 0,
    on_target: int = 6,
    cover: int = 60,
    guessers: int = 0,
) -> CrowdWorld:
    """Let people label items; a crew labels its targets wrong and is right elsewhere.

    ``on_target`` honest people vote on each target; ``cover`` honest-looking rows per
    member of the crew; the first ``guessers`` people answer at random.
    """
    rng = np.random.default_rng([seed, n_crew, n_targets])
    truth = rng.integers(0, k, n_items)
    parts = []
    for item in range(n_items):
        size = on_target if item < n_targets else votes
        who = rng.choice(n_people, size, replace=False)
        miss = rng.random(size) > np.where(who < guessers, 1 / k, accuracy)
        given = np.where(miss, (truth[item] + rng.integers(1, k, size)) % k, truth[item])
        parts.append(np.stack([np.full(size, item), who, given], axis=1))
    for member in range(n_people, n_people + n_crew):
        aims = np.arange(n_targets)
        parts.append(np.stack([aims, aims * 0 + member, (truth[aims] + 1) % k], axis=1))
        other = rng.choice(np.arange(n_targets, n_items), cover, replace=False)
        parts.append(np.stack([other, other * 0 + member, truth[other]], axis=1))
    item, who, given = np.concatenate(parts).T
    batch = make_batch(
        np.zeros((item.size, 0)), [f"l{c}" for c in given], [f"c{w:03d}" for w in who]
    )
    rows = batch.rows.assign(item_id=[f"i{i:04d}" for i in item])
    return CrowdWorld(
        replace(batch, rows=rows), given == truth[item], item < n_targets, who >= n_people
    )
