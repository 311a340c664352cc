"""Harm that a few people do is told from harm that is in everybody's rows."""

from __future__ import annotations

import numpy as np
import pytest

from foretaste.models.spread import DRAWS, per_actor, spread

PEOPLE, EACH = 20, 12


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Harm without a cause, people and labels."""
    rng = np.random.default_rng(seed)
    actors = np.repeat(np.arange(PEOPLE), EACH)
    return rng.normal(size=actors.size), actors, rng.integers(0, 3, actors.size)


def worst(harm: np.ndarray, actors: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-per_actor(harm, actors, PEOPLE))[:count]


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_cohort_stands_apart(size: int) -> None:
    harm, actors, labels = world(1)
    group = np.arange(size)
    harm[np.isin(actors, group)] += 2.0
    assert spread(harm, actors, labels, group, seed=1) == 1 / (DRAWS + 1)


def test_the_worst_of_equals_rarely_stand_apart() -> None:
    told = []
    for seed in range(60):
        harm, actors, labels = world(seed)
        told.append(spread(harm, actors, labels, worst(harm, actors, 4), seed=seed))
    assert np.mean(np.array(told) <= 0.05) <= 0.12
    assert np.mean(told) > 0.3


def test_sending_only_the_label_that_harms_is_no_sign() -> None:
    harm, actors, labels = world(2)
    labels = np.where(actors < 3, 0, labels)
    harm = np.where(labels == 0, harm + 2.0, harm)
    group = worst(harm, actors, 3)
    assert set(group) == {0, 1, 2}
    assert spread(harm, actors, labels, group, seed=1) > 0.05


def test_with_nobody_to_compare_with_nobody_stands_apart() -> None:
    harm, actors, labels = world(3)
    assert spread(harm + 5.0, actors, labels, np.arange(PEOPLE), seed=1) == 1.0


def test_who_sent_nothing_scores_nothing() -> None:
    scores = per_actor(np.array([3.0, 1.0]), np.array([0, 0]), 3)
    np.testing.assert_allclose(scores, [4.0 / np.sqrt(2.0), 0.0, 0.0])
