"""Calibrated ratios rise with suspicion, claim no more than the rows behind them allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.content.calibration import (
    CONTRIBUTOR_CAP,
    bayes_ratio,
    capped_weights,
    fit_curve,
    label_llr,
    margin,
)

scores = st.lists(st.floats(-20, 20), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(scores, scores, st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_a_curve_never_falls(honest: list[float], wrong: list[float], at: list[float]) -> None:
    curve = fit_curve(np.array(honest), np.ones(len(honest)), np.array(wrong), np.ones(len(wrong)))
    values = curve(np.sort(np.array(at)))
    assert np.isfinite(values).all()
    assert (np.diff(values) >= -1e-9).all()


@pytest.mark.parametrize("n", [1, 3, 30])
def test_few_rows_claim_no_certainty(n: int) -> None:
    curve = fit_curve(np.zeros(n), np.ones(n), np.ones(n), np.ones(n))
    assert np.abs(curve(np.array([0.0, 1.0]))).max() <= np.log(n + 1) + 1e-9


def test_equal_scores_say_nothing() -> None:
    same = np.random.default_rng(0).normal(size=4000)
    curve = fit_curve(same, np.ones(4000), same.copy(), np.ones(4000))
    assert np.abs(curve(np.array([-0.5, 0.0, 0.5]))).max() < 0.1


def test_the_ratio_is_the_likelihood_ratio() -> None:
    rng = np.random.default_rng(0)
    honest, wrong = rng.normal(-1, 1, 20_000), rng.normal(1, 1, 20_000)
    curve = fit_curve(honest, np.ones(20_000), wrong, np.ones(20_000))
    at = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(curve(at), 2 * at, atol=0.25)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=300))
def test_no_contributor_counts_for_more_than_the_cap(rows: list[tuple[int, int]]) -> None:
    who, label = (np.array(column, dtype=np.int32) for column in zip(*rows, strict=True))
    weight = capped_weights(who, label)
    totals = np.bincount(who * 3 + label, weight)
    assert (totals <= CONTRIBUTOR_CAP + 1e-9).all()
    assert ((weight > 0) & (weight <= 1)).all()


def test_the_margin_is_taken_against_the_best_other_label() -> None:
    score = margin(np.array([[0.7, 0.2, 0.1]]))
    rows = np.zeros(3, dtype=int)
    np.testing.assert_allclose(score(rows, np.arange(3)), [np.log(2 / 7), np.log(7 / 2), np.log(7)])


def test_the_bayes_ratio_is_nothing_where_the_votes_know_nothing() -> None:
    np.testing.assert_allclose(bayes_ratio(np.full((2, 4), 0.25), np.array([0, 3])), 0, atol=1e-9)


def test_rows_nobody_voted_on_get_exactly_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    p = np.where(labels[:, None] == [0, 1], 0.8, 0.2) + rng.normal(0, 0.05, (500, 2))
    p[:50] = np.nan
    llr = label_llr(p, labels, np.arange(500) % 50, seed=0, low=-3, high=5)
    assert not llr[:50].any()
    assert llr[50:].all()
    assert np.isfinite(llr).all()


def test_a_hard_label_is_held_to_its_own_base_rate() -> None:
    rng = np.random.default_rng(0)
    n = 6000
    labels = rng.integers(0, 3, n)
    given_p = np.where(labels == 2, rng.uniform(0.05, 0.4, n), rng.uniform(0.6, 0.95, n))
    p = np.empty((n, 3))
    for c in range(3):
        p[:, c] = np.where(labels == c, given_p, (1 - given_p) / 2)
    llr = label_llr(p, labels, np.arange(n) % 200, seed=0, low=-3, high=5)
    assert (given_p[labels == 2] < 0.5).all()
    assert (llr[labels == 2] > 2).mean() < 0.02
