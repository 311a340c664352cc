"""The paper's baseline sees bursts and flips, and little else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.content.time_slices import TimeSlices, time_slices
from tests.detectors.worlds import make_batch, world


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 12))
def test_slices_rise_with_time_and_share_equal_times(times: list[int], n: int) -> None:
    at = np.array(times)
    codes = time_slices(at, n)
    order = np.argsort(at, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert all(np.unique(codes[at == t]).size == 1 for t in np.unique(at))
    assert codes.max() < n


def test_flips_stand_out_and_never_beyond_the_cap() -> None:
    attacked = world("digits", "flip")
    opinion = TimeSlices(high=0.4).fit_evidence(attacked.batch)
    assert (opinion.llr[attacked.poison] > 0).mean() > 0.8
    assert (opinion.llr[attacked.honest] > 0).mean() < 0.2
    assert opinion.llr.max() == 400_000
    assert opinion.llr.min() == 0


def test_it_abstains_without_times() -> None:
    rng = np.random.default_rng(0)
    batch = make_batch(
        rng.normal(size=(400, 3)),
        [f"l{i % 2}" for i in range(400)],
        [f"c{i % 40}" for i in range(400)],
    )
    assert TimeSlices().fit_evidence(batch).abstained == "rows carry no time of their own"


def test_one_moment_is_no_slicing() -> None:
    rng = np.random.default_rng(0)
    batch = make_batch(
        rng.normal(size=(400, 3)),
        [f"l{i % 2}" for i in range(400)],
        [f"c{i % 40}" for i in range(400)],
        times=np.full(400, 5),
    )
    assert TimeSlices().fit_evidence(batch).abstained == "no slice could vote"
