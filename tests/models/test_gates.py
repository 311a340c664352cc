"""Gates: a real loss is held, noise passes, and nothing passes by silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState, holding
from foretaste.core.policy import Gates
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.gates import run_gates
from tests.models.worlds import scored

LIMITS = Gates()
N = 1000
NEED_A_CHAMPION = {
    *("no_regression", "weak_slices", "calibration", "churn", "unexplained_churn"),
}


def _golden(n: int = N) -> pd.DataFrame:
    label = np.array(["a", "b"] * (n // 2), dtype=object)
    return pd.DataFrame({"label": label, "contributor_id": [f"u{i % 50}" for i in range(n)]})


def _guess(golden: pd.DataFrame, accuracy: float, seed: int) -> np.ndarray:
    wrong = np.random.default_rng(seed).random(len(golden)) > accuracy
    flipped = np.where(golden["label"] == "a", "b", "a")
    return np.where(wrong, flipped, golden["label"]).astype(object)


def _gates(
    candidate: Scored, champion: Scored | None, golden: pd.DataFrame | None, limits: Gates = LIMITS
) -> dict[str, Gate]:
    sets = TrustedSets(golden, None, None)
    return {g.name: g for g in run_gates(candidate, champion, sets, limits, seed=5)}


@pytest.mark.parametrize("seed", range(5))
def test_a_real_regression_is_held(seed: int) -> None:
    golden = _golden()
    champion = scored(_guess(golden, 0.95, seed))
    candidate = scored(_guess(golden, 0.87, seed + 100))
    found = _gates(candidate, champion, golden)["no_regression"]
    assert found.state is GateState.FAIL
    assert found.high is not None
    assert found.high < -LIMITS.max_regression


@pytest.mark.parametrize("seed", range(5))
def test_noise_between_equal_models_does_not_hold(seed: int) -> None:
    golden = _golden()
    found = _gates(
        scored(_guess(golden, 0.93, seed)), scored(_guess(golden, 0.93, seed + 100)), golden
    )
    assert not holding(found.values())


def test_all_tests_together_rarely_fail_what_is_no_worse() -> None:
    golden = _golden(400)
    limits = LIMITS.model_copy(update={"bootstrap": 200})
    family = ("no_regression", "weak_slices", "calibration")
    failed = 0
    for seed in range(300):
        equals = (scored(_guess(golden, 0.9, s)) for s in (seed, seed + 1000))
        found = _gates(*equals, golden, limits)
        failed += any(found[name].state is GateState.FAIL for name in family)
    assert failed <= LIMITS.alpha * 300


def test_a_loss_inside_one_contributors_rows_alone_is_not_sure() -> None:
    """One of 50 contributors turns wrong on all of 60 rows; by rows it would look certain."""
    golden = _golden()
    golden["contributor_id"] = ["one"] * 60 + [f"u{i % 49}" for i in range(N - 60)]
    champion = golden["label"].to_numpy(object)
    candidate = champion.copy()
    candidate[:60] = np.where(champion[:60] == "a", "b", "a")
    by_contributor = _gates(scored(candidate), scored(champion), golden)
    clustered = by_contributor["no_regression"]
    by_rows = _gates(scored(candidate), scored(champion), golden.drop(columns="contributor_id"))
    assert by_rows["no_regression"].state is GateState.FAIL
    assert not holding([clustered, by_contributor["weak_slices"]])


def test_the_floor_fails_below_warns_when_unsure_and_passes_above() -> None:
    golden = _golden(100)
    states = [
        _gates(scored(_guess(golden, a, 1)), None, golden)["floor"].state for a in (0.4, 0.65, 0.95)
    ]
    assert states == [GateState.FAIL, GateState.WARN, GateState.PASS]


def test_the_first_night_asks_only_golden_set_floor_and_canaries() -> None:
    golden = _golden()
    found = _gates(scored(_guess(golden, 0.9, 1)), None, golden)
    assert set(found) == {"golden_set", "floor", "attack_success"}
    assert not holding(found.values())


def test_churn_is_held_even_when_accuracy_stays() -> None:
    golden = _golden()
    truth = golden["label"].to_numpy(object)
    flipped = np.where(truth == "a", "b", "a")
    left, right = truth.copy(), truth.copy()
    left[:200], right[-200:] = flipped[:200], flipped[-200:]
    found = _gates(scored(left), scored(right), golden)
    assert found["no_regression"].value == 0.0
    assert found["churn"].value == 0.4
    assert found["churn"].state is GateState.FAIL


@pytest.mark.parametrize(
    ("size", "rows", "held"),
    [
        (1000, 100, set()),
        (3500, 100, {"model_size"}),
        (200, 100, {"model_size"}),
        (1000, 20, {"training_rows"}),
        (1000, 900, set()),
    ],
)
def test_a_change_of_size_is_held(size: int, rows: int, held: set[str]) -> None:
    golden = _golden()
    guess = _guess(golden, 0.9, 1)
    found = _gates(scored(guess, size=size, n=rows), scored(guess), golden)
    assert {g.name for g in holding(found.values())} == held


def _unlabelled() -> pd.DataFrame:
    return _golden().assign(label=None)


@pytest.mark.parametrize(
    "golden",
    [
        None,
        _golden().head(0),
        _golden(20),
        _golden().assign(label="a"),
        _unlabelled(),
        _golden().drop(columns="label"),
    ],
    ids=["none", "empty", "few", "one class", "unlabelled", "no label"],
)
def test_without_a_golden_set_everything_that_needs_it_is_undecided(
    golden: pd.DataFrame | None,
) -> None:
    guess = None if golden is None else np.full(len(golden), "a", dtype=object)
    found = _gates(scored(guess), scored(guess), golden)
    undecided = {n for n, g in found.items() if g.state is GateState.UNDECIDED}
    assert undecided == {"golden_set", "floor"} | NEED_A_CHAMPION
    assert all(found[n].meaning and found[n].action for n in undecided)


def test_answers_that_are_no_numbers_are_undecided() -> None:
    golden = _golden()
    good, broken = (scored(_guess(golden, 0.95, 1)) for _ in range(2))
    assert broken.golden is not None
    broken.golden.probability[3] = np.nan
    ours = _gates(broken, good, golden)
    assert ours["floor"].state is GateState.UNDECIDED
    theirs = _gates(good, broken, golden)
    assert theirs["floor"].state is GateState.PASS
    assert theirs["no_regression"].state is GateState.UNDECIDED
    assert theirs["churn"].state is GateState.UNDECIDED


def test_a_champion_that_cannot_be_scored_is_no_reason_to_pass() -> None:
    golden = _golden()
    found = _gates(scored(_guess(golden, 0.95, 1)), scored(None), golden)
    assert {g.name for g in holding(found.values())} == NEED_A_CHAMPION


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro"])
def test_the_policys_metric_is_the_one_that_is_measured(metric: str) -> None:
    golden = _golden()
    golden.loc[:, "label"] = ["a"] * 900 + ["b"] * 100
    always = scored(np.full(N, "a", dtype=object))
    found = _gates(always, None, golden, LIMITS.model_copy(update={"metric": metric}))["floor"]
    expected = {"accuracy": 0.9, "balanced_accuracy": 0.5, "f1_macro": 0.9 / 1.9}
    assert found.value == pytest.approx(expected[metric])


def test_gates_repeat_to_the_last_bit() -> None:
    golden = _golden()
    models = scored(_guess(golden, 0.9, 1)), scored(_guess(golden, 0.92, 2))
    assert _gates(*models, golden) == _gates(replace(models[0]), models[1], golden.copy())
