"""The paper's baseline sees bursts and flips, and little else."""

from __future__ import annotations

import numpy as np

from detectors.content.time_slices import TimeSlices
from tests.detectors.worlds import make_batch, world


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
