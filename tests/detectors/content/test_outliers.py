import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detectors.content.outlier_models import choose
from detectors.content.outliers import Outliers, tail_rarity
from foretaste.core.evidence import MICRO
from tests.detectors.worlds import make_batch, world


def blob(n=2000, d=10, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    x = rng.normal(size=(n, d)) + 2 * label[:, None]
    return x, label


def judge(x, label, **params):
    batch = make_batch(x, [f"l{c}" for c in label], [f"c{i % 50}" for i in range(len(label))])
    return batch, Outliers(**params).fit_evidence(batch)


def test_far_rows_have_evidence_within_its_cap_and_near_ones_have_none():
    x, label = blob()
    x[:10] = 2 * label[:10, None] + 7.0 * np.random.default_rng(1).choice([-1, 1], (10, 10))
    _, opinion = judge(x, label)
    assert (opinion.llr[:10] > MICRO).all()
    assert opinion.llr.max() <= 2.5 * MICRO
    assert (opinion.llr[10:] > 0).mean() < 0.01
    assert re.fullmatch(r"outlier: rarity (gaussian|iforest|ecod)=1e-\d+\.\d", opinion.reason[0])


def test_clean_rows_are_not_flagged_at_a_fixed_share():
    scene = world("digits")
    opinion = Outliers().fit_evidence(scene.batch)
    assert (opinion.llr > 0).mean() < 0.01


def test_a_row_is_judged_within_its_own_label():
    x, label = blob()
    x[label == 1] += 30.0
    _, opinion = judge(x, label)
    assert (opinion.llr > 0).mean() < 0.01


def test_features_that_hang_together_are_told_by_a_model_that_sees_it():
    rng = np.random.default_rng(0)
    tied = rng.normal(size=(600, 1)) + 0.2 * rng.normal(size=(600, 6))
    assert choose(tied, np.random.default_rng(1)) == "gaussian"
    rows = np.vstack([tied, [[3, -3, 3, -3, 3, -3]]])
    _, opinion = judge(rows, np.zeros(601, dtype=int))
    assert opinion.llr[-1] > MICRO


def test_two_clusters_are_no_gaussian():
    rng = np.random.default_rng(0)
    corner = rng.choice([-4.0, 4.0], (800, 4))
    corner[:, 3] = np.abs(corner[:, :3]).sum(axis=1) / 3 * np.sign(corner[:, :3].prod(axis=1))
    x = corner + 0.1 * rng.normal(size=corner.shape)
    assert choose(x, np.random.default_rng(1)) == "iforest"


def test_outliers_among_many_do_not_hide_each_other():
    scene = world("digits", "outlier")
    opinion = Outliers().fit_evidence(scene.batch)
    assert (opinion.llr[scene.poison] > 0).mean() > 20 * (opinion.llr[scene.honest] > 0).mean()


def test_rare_labels_constant_columns_and_label_only_rows_are_left_alone():
    x, label = blob(300)
    label[:5] = 2
    x[:, 3] = 1.0
    _, opinion = judge(x, label)
    assert not opinion.llr[:5].any()
    assert "no features" in judge(np.zeros((300, 0)), label)[1].abstained
    assert "100 rows" in judge(x[:50], label[:50])[1].abstained
    assert not judge(np.zeros((300, 4)), label)[1].llr.any()


def test_equal_batches_give_equal_opinions():
    x, label = blob()
    first, second = judge(x, label)[1], judge(x, label)[1]
    assert first.llr.tolist() == second.llr.tolist()


@given(arrays.arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e6, 1e6)))
@example(np.array([-2426.0, *[0.0] * 4, *[-4.15137458e-304] * 20]))
def test_rarity_is_finite_rises_with_the_score_and_spares_the_lower_half(scores):
    rarity = tail_rarity(scores)
    order = np.argsort(scores, kind="stable")
    assert np.isfinite(rarity).all()
    assert (np.diff(rarity[order]) >= -1e-9).all()
    assert not rarity[scores <= np.median(scores)].any()


def test_rarity_of_a_normal_tail_is_its_probability():
    scores = np.append(np.random.default_rng(0).normal(size=100_000), 4.0)
    assert tail_rarity(scores)[-1] == pytest.approx(-np.log(3.2e-5), abs=0.5)
