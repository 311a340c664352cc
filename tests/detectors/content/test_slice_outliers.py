"""Anomaly votes see crude outliers, and do not take drift for poison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from detectors.content.anomaly_votes import abnormality
from detectors.content.slice_outliers import SliceOutliers
from detectors.content.slices import Slicing, actor_slices
from tests.detectors.worlds import World, make_batch, world


def _drifting(seed: int) -> World:
    quiet = world("digits", seed=seed)
    day = quiet.batch.times - quiet.batch.times.min()
    way = np.random.default_rng(seed).choice([-1.0, 1.0], quiet.batch.features.shape[1])
    step = way * quiet.batch.features.std(axis=0)
    moved = quiet.batch.features + (day / day.max())[:, None] * step
    return replace(quiet, batch=replace(quiet.batch, features=moved.astype(np.float32)))


def test_outliers_rank_above_honest_rows() -> None:
    attacked = world("digits", "outlier")
    opinion = SliceOutliers().fit_evidence(attacked.batch)
    judged = attacked.poison | attacked.honest
    assert roc_auc_score(attacked.poison[judged], opinion.score[judged]) > 0.85
    assert (opinion.llr[attacked.poison] > 0).mean() > 0.05
    assert (opinion.llr[attacked.honest] > 0).mean() < 0.02
    assert opinion.llr.max() <= 1_500_000
    assert opinion.llr.min() == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_drift_of_a_standard_deviation_is_no_poison(seed: int) -> None:
    drifting = _drifting(seed)
    opinion = SliceOutliers().fit_evidence(drifting.batch)
    assert (opinion.llr > 0).mean() < 0.02


def test_an_actor_has_no_say_about_its_own_rows() -> None:
    batch = world("digits", seed=2).batch
    slices = [Slicing.of(line) for line in actor_slices(batch, 4, 2)]
    mine = batch.actors == batch.actors[0]
    weird = batch.features.copy()
    weird[mine] += 30.0
    before = abnormality(batch, slices)
    same = abnormality(
        replace(batch, features=np.where(mine[:, None], weird, batch.features)), slices
    )
    assert (same[mine] > before[mine]).all()
    assert same[mine].min() > 5


def test_strange_beside_tonight_and_the_release_alike() -> None:
    attacked = world("digits", "outlier", history_days=15.0)
    now = attacked.poison & attacked.batch.tonight
    opinion = SliceOutliers().fit_evidence(attacked.batch)
    assert (opinion.llr[now] > 0).mean() > 0.02
    assert (opinion.llr[attacked.honest] > 0).mean() < 0.02


def test_it_abstains_where_no_slice_knows_a_label() -> None:
    n = 320
    x = np.random.default_rng(0).normal(size=(n, 3))
    batch = make_batch(x, [f"l{i % 12}" for i in range(n)], [f"c{i % 40}" for i in range(n)])
    assert SliceOutliers().fit_evidence(batch).abstained == "no slice has 30 rows of a label"
