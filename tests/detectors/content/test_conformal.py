"""Evidence against a trusted null: valid for honest rows, silent without enough of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.content.calibration import LEAST_TRUSTED
from detectors.content.conformal import conformal_nats, conformal_p, p_to_nats, trusted
from tests.detectors.worlds import world


def test_an_honest_row_is_worth_at_most_one_on_average() -> None:
    rng = np.random.default_rng(0)
    worth = []
    for _ in range(200):
        score, null = rng.normal(size=300), np.repeat([1.0, 0.0], 150)
        p = conformal_p(score, np.zeros(300, dtype=int), null)
        worth.append(np.exp(p_to_nats(p[150:])).mean())
    assert 0.8 < np.mean(worth) <= 1.0


@given(st.lists(st.floats(0.0, 1.0, exclude_min=True), min_size=2, max_size=40))
def test_smaller_p_values_never_say_less(p: list[float]) -> None:
    nats = p_to_nats(np.sort(np.array(p)))
    assert np.isfinite(nats).all()
    assert (np.diff(nats) <= 1e-6).all()
    assert nats.min() >= np.log(0.5) - 1e-6


def test_the_calibrator_is_that_of_vovk_and_wang() -> None:
    at = np.linspace(1e-6, 1, 2_000_001)
    assert np.trapezoid(np.exp(p_to_nats(at)), at) == pytest.approx(1.0, abs=0.08)
    np.testing.assert_allclose(np.exp(p_to_nats(np.array([0.01, 1.0]))), [4.451, 0.5], atol=1e-3)


def test_every_label_has_its_own_null() -> None:
    labels = np.repeat([0, 1], 200)
    score = np.where(labels == 1, 10.0, 0.0) + np.tile(np.linspace(0, 1, 200), 2)
    null = np.tile(np.repeat([1.0, 0.0], 100), 2)
    p = conformal_p(score, labels, null)
    np.testing.assert_allclose(p[:200], p[200:])


def test_too_small_a_null_and_rows_without_score_get_exactly_nothing() -> None:
    n = int(LEAST_TRUSTED)
    labels = np.repeat([0, 1], [n - 1, n])
    score = np.arange(2.0 * n - 1)
    score[-1] = np.nan
    null = np.ones(labels.size)
    nats = conformal_nats(score, labels, null, low=-1, high=3)
    assert not nats.any()
    assert conformal_nats(score, np.zeros_like(labels), null, low=-1, high=3)[:-1].all()


def test_tonight_has_no_part_in_the_null_and_nobody_sets_it() -> None:
    batch = world("digits", "flip", level=3, history_days=15.0).batch
    null = trusted(batch)
    assert not null[batch.tonight].any()
    cell = batch.contributors.astype(np.int64) * len(batch.classes) + batch.labels
    assert np.bincount(cell, null).max() <= 20 + 1e-9
    assert not trusted(world("digits").batch).any()
