import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.core.company import company
from foretaste.core.evidence import MICRO
from foretaste.core.recalibration import (
    LARGEST_SHIFT,
    curve,
    night_shift,
    prevalence,
    recalibrated,
    shifted,
)

sums = st.integers(-20 * MICRO, 30 * MICRO)


def micro(*nats):
    return np.rint(np.array(nats) * MICRO).astype(np.int64)


def test_a_rows_company_speaks_against_it_and_a_lone_row_has_none():
    who = np.array([0] * 8 + [1] * 8 + [2])
    llr = micro(*[3.0] * 7, 0.0, *[-2.0] * 7, 0.0, 3.0)
    added = company(llr, who, np.zeros(17, dtype=np.int64))
    assert added[7] > 2 * MICRO
    assert added[15] < 0
    assert added[16] == 0


def test_a_rows_own_evidence_is_not_counted_twice():
    who, label = np.array([0, 0, 0]), np.zeros(3, dtype=np.int64)
    quiet = company(micro(0, 1, 1), who, label)
    loud = company(micro(5, 1, 1), who, label)
    assert quiet[0] == loud[0]
    assert loud[1] > quiet[1]


def test_honest_rows_of_other_labels_are_no_cover():
    who, label = np.zeros(30, dtype=np.int64), np.array([0] * 25 + [1] * 5)
    covered = company(micro(*[-3.0] * 25, *[3.0] * 5), who, label)
    assert (covered[25:] > MICRO).all()
    assert (covered[:25] < covered[25]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(sums, st.integers(0, 3), st.integers(0, 2)), max_size=40), st.randoms())
def test_company_depends_on_no_order(rows, random):
    llr, who, label = (np.array([r[i] for r in rows], dtype=np.int64) for i in range(3))
    order = np.array(random.sample(range(len(rows)), len(rows)), dtype=np.int64)
    here = company(llr, who, label)
    assert company(llr[order], who[order], label[order]).tolist() == here[order].tolist()


@pytest.mark.parametrize("name", ["content", "fused"])
def test_learnt_curves_rise_strictly_and_add_nothing_to_nothing(name):
    learnt = curve(name)
    assert (np.diff(learnt.score) > 0).all()
    assert (np.diff(learnt.nats) > 0).all()
    assert learnt(micro(0)).tolist() == [0]


@given(sums, sums, st.floats(-LARGEST_SHIFT, LARGEST_SHIFT))
def test_more_evidence_is_never_worth_less_on_any_night(one, other, shift):
    low, high = shifted(curve("fused"), shift)(np.array(sorted((one, other))))
    assert low <= high


def night(disputed, contributors=100, rows=40):
    """Sums of a night in which every contributor has that share of rows spoken against."""
    who = np.repeat(np.arange(contributors), rows)
    against = np.tile(np.arange(rows) < disputed * rows, contributors)
    return np.where(against, MICRO, -MICRO), who


def test_a_dispute_says_more_where_disputes_are_rare():
    quiet, usual, loud = (night_shift(*night(share)) for share in (0.0, 0.05, 0.3))
    assert LARGEST_SHIFT >= quiet > usual > loud >= -LARGEST_SHIFT


def test_a_minority_of_attackers_does_not_make_disputes_usual():
    llr, who = night(0.05)
    attacked = np.where(who < 15, 5 * MICRO, llr)
    assert night_shift(attacked, who) == pytest.approx(night_shift(llr, who), abs=0.05)


def test_a_night_of_few_rows_is_judged_as_the_drills_were():
    assert abs(night_shift(*night(0.5, contributors=3, rows=6))) < 0.3


def test_silence_is_worth_nothing_on_any_night():
    llr, who = night(0.3)
    llr[0] = 0
    assert recalibrated(llr, who)[0] == 0


def test_prevalence_finds_the_share_of_poison_within_bounds():
    generator = np.random.default_rng(1)
    poison = np.arange(20_000) < 2_000
    llr = micro(*generator.normal(np.where(poison, 4.5, -4.5), 3.0))
    assert prevalence(llr, 0.01, 0.5) == pytest.approx(0.1, abs=0.01)
    assert prevalence(llr, 0.01, 0.05) == 0.05
    assert prevalence(llr, 0.01, 0.01) == 0.01
    assert prevalence(llr[:0], 0.02, 0.5) == pytest.approx(0.02)
    assert math.isfinite(prevalence(micro(-60.0, 60.0), 0.01, 0.5))
