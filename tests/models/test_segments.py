"""Slices and segments: a hidden loss is found and named, noise is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates
from foretaste.models.evaluate import TrustedSets
from foretaste.models.gates import run_gates
from tests.models.worlds import scored

N = 800


def _golden(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "label": rng.choice(["a", "b"], N),
            "country": rng.choice(["x", "y", "z"], N, p=[0.6, 0.3, 0.1]),
            "f_size": rng.normal(size=N),
            "f_age": rng.normal(size=N),
        }
    )


def _right(golden: pd.DataFrame) -> np.ndarray:
    return golden["label"].to_numpy(object).copy()


def _flipped(golden: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    said = _right(golden)
    said[rows] = np.where(said[rows] == "a", "b", "a")
    return said


def _asked(ours: np.ndarray, golden: pd.DataFrame, **limits: object) -> Gate:
    sets = TrustedSets(golden, None, None)
    wanted = Gates(bootstrap=100).model_copy(update=limits)
    theirs = _flipped(golden, np.arange(0, N, 25))
    found = run_gates(scored(ours), scored(theirs), sets, wanted, seed=1)
    return next(gate for gate in found if gate.name == "weak_slices")


def test_a_loss_in_a_small_slice_is_held_although_the_whole_gained() -> None:
    golden = _golden()
    rare = np.flatnonzero(golden["country"] == "z")[:20]
    found = _asked(_flipped(golden, rare), golden, slices=("country",), segments=0)
    assert found.state is GateState.FAIL
    assert "country=z" in found.meaning
    assert found.value is not None
    assert found.value > 0.1


def test_a_weak_segment_is_found_without_being_named() -> None:
    golden = _golden()
    corner = (golden["f_size"] > 1.0) & (golden["label"] == "a")
    found = _asked(_flipped(golden, np.flatnonzero(corner)), golden)
    assert found.state is GateState.FAIL
    assert "f_size >" in found.meaning
    assert "label is" in found.meaning


def test_words_can_name_a_segment() -> None:
    golden = _golden().drop(columns=["f_size", "f_age"])
    rng = np.random.default_rng(3)
    golden["text"] = [" ".join(rng.choice(["red", "green", "blue", "grey"], 2)) for _ in range(N)]
    hit = np.flatnonzero(golden["text"].str.contains("grey"))
    found = _asked(_flipped(golden, hit[:150]), golden)
    assert found.state is GateState.FAIL
    assert "text has 'grey'" in found.meaning


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_weak_segment(seed: int) -> None:
    golden = _golden(seed)
    wrong = np.random.default_rng(seed + 50).random(N) < 0.05
    found = _asked(_flipped(golden, np.flatnonzero(wrong)), golden, slices=("country",))
    assert found.state is not GateState.FAIL


def test_the_order_of_the_golden_rows_changes_nothing() -> None:
    golden = _golden()
    corner = np.flatnonzero(golden["f_size"] > 1.2)
    mixed = np.random.default_rng(2).permutation(N)
    ours, theirs = _flipped(golden, corner), _flipped(golden, np.arange(0, N, 25))
    limits = Gates(bootstrap=100)
    told = []
    for order in (np.arange(N), mixed):
        sets = TrustedSets(golden.iloc[order].reset_index(drop=True), None, None)
        gates = run_gates(scored(ours[order]), scored(theirs[order]), sets, limits, seed=1)
        told.append(next(g for g in gates if g.name == "weak_slices").meaning.partition("; p=")[0])
    assert told[0] == told[1]


def test_a_slice_that_the_golden_set_cannot_show_holds() -> None:
    golden = _golden()
    found = _asked(_right(golden), golden, slices=("country", "channel"))
    assert found.state is GateState.UNDECIDED
    assert "channel" in found.meaning
