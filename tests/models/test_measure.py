"""Metrics and intervals, against independent references."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.models.evaluate import evaluate
from foretaste.models.measure import (
    METRICS,
    Drawn,
    Interval,
    accuracy,
    bootstrap,
    change,
    mean,
    measure,
    wilson,
)
from foretaste.models.predict import Predicted
from tests.models.worlds import said

LABELS = st.lists(st.tuples(*[st.sampled_from("abc")] * 2), min_size=1, max_size=60)


@settings(deadline=None)
@given(LABELS)
def test_metrics_agree_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score, recall_score

    truth, guess = (np.array(x, dtype=object) for x in zip(*pairs, strict=True))
    seen = sorted(set(truth))
    reference = {
        "accuracy": accuracy_score(truth, guess),
        "balanced_accuracy": recall_score(truth, guess, labels=seen, average="macro"),
        "f1_macro": f1_score(truth, guess, average="macro"),
    }
    for name, metric in METRICS.items():
        assert measure(metric, truth, guess) == pytest.approx(reference[name])


def test_log_loss_and_calibration_error_by_hand() -> None:
    probability = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9], [0.3, 0.7]])
    guess = Predicted(("a", "b"), np.array(["a", "a", "b", "b"], dtype=object), probability)
    found = evaluate(guess, pd.Series(["a", "b", "b", "b"]))
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.9, 0.7]).mean())
    assert found["ece"] == pytest.approx((0.2 + 0.6 + 0.1 + 0.3) / 4)
    assert found["accuracy"] == 0.75


def test_a_label_that_the_model_never_saw_costs_the_most() -> None:
    found = evaluate(said(["a", "a"]), pd.Series(["z", "a"]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-15) / 2)


def test_nothing_is_measured_where_nothing_can_be() -> None:
    empty = evaluate(said([]), pd.Series([], dtype=object))
    unlabelled = evaluate(said(["a"]), pd.Series([None], dtype=object))
    broken = said(["a", "b"])
    broken.probability[0, 0] = np.nan
    for found in (empty, unlabelled, evaluate(broken, pd.Series(["a", "b"]))):
        assert all(found[name] is None for name in (*METRICS, "log_loss", "ece"))


def test_wilson_by_hand_and_its_ends() -> None:
    seen = wilson(1, 10, 0.05)
    assert (seen.value, seen.low, seen.high) == pytest.approx((0.1, 0.01788, 0.40415), abs=1e-4)
    assert wilson(0, 10, 0.05).low == 0.0
    assert wilson(0, 10, 0.05).high > 0.2
    assert not wilson(0, 0, 0.05).finite


def _bootstrapped(truth: np.ndarray, groups: np.ndarray | None, *guess: np.ndarray) -> Interval:
    return bootstrap(accuracy, truth, guess, groups, resamples=1000, alpha=0.05, seed=3)


def test_the_interval_of_independent_rows_is_the_normal_one() -> None:
    rng = np.random.default_rng(0)
    truth = np.full(1000, "a", dtype=object)
    guess = np.where(rng.random(1000) < 0.8, "a", "b").astype(object)
    seen = _bootstrapped(truth, None, guess)
    spread = 1.96 * np.sqrt(seen.value * (1 - seen.value) / 1000)
    assert seen.low == pytest.approx(seen.value - spread, abs=0.005)
    assert seen.high == pytest.approx(seen.value + spread, abs=0.005)


def test_rows_of_one_contributor_count_as_one() -> None:
    """50 contributors of 20 equal rows: the interval must be about sqrt(20) wider."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(50), 20).astype(str).astype(object)
    truth = np.full(1000, "a", dtype=object)
    guess = np.repeat(np.where(rng.random(50) < 0.7, "a", "b"), 20).astype(object)
    wide, narrow = _bootstrapped(truth, groups, guess), _bootstrapped(truth, None, guess)
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio == pytest.approx(np.sqrt(20), rel=0.2)


def test_a_single_curator_is_no_certainty() -> None:
    truth = np.array(["a", "b"] * 50, dtype=object)
    guess = np.array(["a", "b", "a", "a"] * 25, dtype=object)
    seen = _bootstrapped(truth, np.full(100, "me", dtype=object), guess)
    assert seen.high - seen.low > 0.1


def test_pairing_cancels_what_two_models_share() -> None:
    rng = np.random.default_rng(2)
    truth = np.full(2000, "a", dtype=object)
    one = np.where(rng.random(2000) < 0.6, "a", "b").astype(object)
    other = one.copy()
    other[:10] = "b"
    difference, alone = _bootstrapped(truth, None, one, other), _bootstrapped(truth, None, one)
    assert (difference.high - difference.low) * 5 < alone.high - alone.low


def test_the_interval_repeats_and_covers_its_value() -> None:
    truth = np.array(["a", "b"] * 40, dtype=object)
    guess = np.array(["a", "b", "b", "b"] * 20, dtype=object)
    one, two = (_bootstrapped(truth, None, guess) for _ in range(2))
    assert one == two
    assert one.low <= one.value <= one.high


def test_the_p_value_of_a_mean_is_the_t_tests() -> None:
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(5).normal(-0.02, 1.0, 3000)
    found = mean(values, None, resamples=2000, seed=1).below(0.0)
    assert found == pytest.approx(ttest_1samp(values, 0.0, alternative="less").pvalue, rel=0.15)


def test_where_nothing_varies_the_answer_is_sure() -> None:
    found = mean(np.full(50, -0.1), None, resamples=100, seed=1)
    assert (found.below(0.0), found.below(-0.1), found.below(-0.2)) == (0.0, 1.0, 1.0)


def _noise_alone(seed: int, twins: int) -> tuple[float, float]:
    """p-values of a value that is noise of a scale that few twins show: told so, and not."""
    rng = np.random.default_rng(seed)
    noise = math.sqrt((rng.normal(size=twins) ** 2).mean())
    found = Drawn(float(rng.normal()), np.zeros(100))
    return found.below(0.0, noise, twins), found.below(0.0, noise)


def test_noise_that_few_twins_estimated_does_not_accuse_more_often_than_it_says() -> None:
    told = np.array([_noise_alone(seed, 2) for seed in range(4000)])
    assert (told[:, 0] < 0.01).mean() < 0.015
    assert (told[:, 1] < 0.01).mean() > 0.05


def test_many_twins_are_as_good_as_knowing_the_noise() -> None:
    found = Drawn(-0.02, np.random.default_rng(1).normal(0.0, 0.005, 1000))
    assert found.below(0.0, 0.005, 100_000) == pytest.approx(found.below(0.0, 0.005), rel=1e-2)
    assert found.below(0.0, 0.005, 2) > 2 * found.below(0.0, 0.005)
    assert found.below(0.0, 0.0, 2) == found.below(0.0)


def test_contributors_are_counted_by_what_got_worse_on_balance() -> None:
    """Eight rows of one contributor got worse, one row each of two others better."""
    bad = np.array([True] * 8 + [False] * 2)
    groups = np.array(["one"] * 8 + ["two", "three"], dtype=object)
    by_rows, by_groups = change(bad, ~bad, 0.05), change(bad, ~bad, 0.05, groups)
    assert (by_rows.worse, by_rows.better) == (8, 2) == (by_groups.worse, by_groups.better)
    assert by_rows.p_value == pytest.approx(56 / 1024)
    assert by_groups.p_value == pytest.approx(7 / 8)
    assert by_rows.share == by_groups.share
    assert by_rows.share.value == pytest.approx(0.6)
