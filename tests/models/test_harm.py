"""The harm of cohorts: exact, in the right direction, silent where noise hides it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.models.harm import Harm, Ridge, Settings, harm_of, subset_effects
from foretaste.models.harm.effect import evidence, sequential

D = 6


def world(seed: int, rows: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, labels of three classes, and 30 accounts."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, D))
    y = (x[:, :3] + 0.5 * rng.normal(size=(rows, 3))).argmax(axis=1)
    return x, y, rng.integers(30, size=rows)


def ridge(x: np.ndarray, y: np.ndarray, seed: int = 99) -> tuple[Ridge, np.ndarray]:
    """A model with 300 trusted rows, and their labels."""
    fresh, truth, _ = world(seed, 300)
    return Ridge.fit(x, y, np.ones(len(x)), fresh, truth, classes=3), truth.astype(str)


def judged(x: np.ndarray, y: np.ndarray, who: np.ndarray) -> dict[int, Harm]:
    """Every account's harm."""
    model, slices = ridge(x, y)
    return {one.cohort: one for one in harm_of(model.effect, who, who, slices, seed=1)}


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(0, 5))
def test_leaving_out_is_exactly_training_without(count: int, seed: int) -> None:
    x, y, _ = world(seed, 120)
    weight = np.random.default_rng(seed).uniform(0.2, 2.0, len(x))
    fresh, truth, _ = world(seed + 50, 40)
    rows = np.random.default_rng(count).permutation(len(x))[:count]
    kept = np.setdiff1d(np.arange(len(x)), rows)
    whole = Ridge.fit(x, y, weight, fresh, truth, classes=3)
    without = Ridge.fit(x[kept], y[kept], weight[kept], fresh, truth, classes=3)
    np.testing.assert_allclose(whole.scores_without(rows), without.scores, atol=1e-8)


def test_a_harmful_cohort_is_positive_and_a_helpful_one_negative() -> None:
    x, y, who = world(1)
    # The least class of the plane between 0 and 1 comes from one account alone.
    lone = (y == 2) & (who != 3)
    x, y, who = x[~lone], y[~lone], who[~lone]
    y = np.where((who == 7) & (y == 0), 1, y)
    who = np.where((who == 8) & (y == 0), 7, who)
    y = np.where((who == 7) & (y == 0), 1, y)
    found = judged(x, y, who)
    assert found[7].effect > 0
    assert found[7].slice == "0"
    assert found[7].llr > 1
    assert found[3].effect < 0
    assert found[3].llr == 0


def test_the_ensemble_of_subsets_has_the_same_directions() -> None:
    x, y, who = world(2)
    who = who % 8
    y = np.where((who == 5) & (y == 0), 1, y)
    fresh, truth, _ = world(98, 300)

    def losses(kept: np.ndarray, seed: int) -> np.ndarray:
        del seed
        return Ridge.fit(x[kept], y[kept], np.ones(kept.sum()), fresh, truth, classes=3).loss

    effect, error = subset_effects(losses, who, models=60, seed=1)
    assert effect.argmax() == 5
    assert effect[5] > 3 * error[5]
    assert np.delete(effect, 5).mean() < 0


def test_honest_accounts_are_rarely_accused_and_never_by_much_on_average() -> None:
    told = [one for seed in range(3, 7) for one in judged(*world(seed)).values()]
    assert np.mean([one.llr > 0 for one in told]) <= Settings().level
    assert np.mean([math.exp(one.llr) for one in told]) <= 1.1


def test_a_style_of_ones_own_is_no_harm() -> None:
    found: list[Harm] = []
    for seed in range(20, 24):
        x, y, who = world(seed)
        style = np.random.default_rng(seed).normal(0.0, 0.3, (30, D))
        found += judged(x + style[who], y, who).values()
    # The level, and two standard errors of so few accounts.
    error = math.sqrt(0.05 * 0.95 / len(found))
    assert np.mean([one.p_value <= 0.05 for one in found]) <= 0.05 + 2 * error


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100), st.sampled_from([0.3, 1.0]))
def test_random_groups_are_other_peoples_rows_and_as_many(seed: int, most_share: float) -> None:
    rng = np.random.default_rng(seed)
    who = (rng.lognormal(0.0, 1.5, 200) * 3).astype(int)
    asked: list[np.ndarray] = []

    def effect(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return np.ones(20)

    told = Settings(draws=5, stop=5, most_share=most_share)
    for one in harm_of(effect, who, who, np.zeros(20, dtype=int), told, seed=seed):
        own, groups = asked[0], asked[1 : 1 + one.draws]
        del asked[: 1 + one.draws]
        assert set(who[own]) == {one.cohort}
        for group in groups:
            assert len(set(group.tolist())) == len(group) == min(one.rows, 200 - one.rows)
            assert one.cohort not in who[group]
            cut = [n for n in np.unique(who[group]) if (who[group] == n).sum() < (who == n).sum()]
            assert len(cut) <= 1


def test_small_and_giant_cohorts_are_not_judged() -> None:
    x, y, who = world(8)
    who = np.where(np.arange(len(who)) < 300, 1, who)
    who[-3:] = 77
    assert {1, 77}.isdisjoint(judged(x, y, who))


def test_rows_in_no_cohort_are_not_judged_but_are_the_null() -> None:
    x, y, who = world(9)
    model, slices = ridge(x, y)
    only = harm_of(model.effect, np.where(who == 4, 4, -1), who, slices, seed=1)
    assert [one.cohort for one in only] == [4]
    assert only[0] == judged(x, y, who)[4]


def test_the_same_seed_gives_the_same_harm() -> None:
    assert judged(*world(10)) == judged(*world(10))


@pytest.mark.parametrize(("null", "p", "draws"), [(2.0, 1.0, 5), (0.0, 1 / 500, 499)])
def test_the_drawing_ends_early_only_where_nothing_comes_of_it(
    null: float, p: float, draws: int
) -> None:
    told = Settings()
    assert sequential(1.0, repeat(null, told.draws), told) == (p, draws)


@given(st.floats(1e-9, 1.0))
def test_evidence_is_bounded_and_exactly_0_in_the_noise(p: float) -> None:
    told = Settings()
    nats = evidence(p, told)
    assert 0 <= nats <= told.cap
    assert (nats > 0) == (p <= told.level)
    assert evidence(p, replace(told, level=p / 2)) == 0
