"""Twins: the noise that training makes is granted to candidates, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates, Policy
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.gates import run_gates
from foretaste.models.predict import Predicted
from foretaste.models.twins import redrawn, twins
from tests.models.worlds import numeric, same_answers, scored

N = 600
LINEAR = {"factory": "sklearn.linear_model:LogisticRegression"}


def test_only_the_share_is_drawn_again_and_whole_contributors_at_a_time() -> None:
    who = np.repeat([f"u{i}" for i in range(2000)], 3).astype(object)
    times = redrawn(who, 0.2, np.random.default_rng(1)).reshape(-1, 3)
    assert (times == times[:, :1]).all()
    # Of the fifth that is drawn again, Poisson's 1 leaves e^-1 as they were.
    assert (times[:, 0] != 1).mean() == pytest.approx(0.2 * (1 - np.exp(-1)), abs=0.03)


def test_an_attacker_cannot_buy_noise_with_a_flood() -> None:
    who = np.arange(4000).astype(str).astype(object)
    flooded = redrawn(who, 1.0, np.random.default_rng(1))
    assert (flooded != 1).mean() < 0.5


def test_twins_repeat_differ_from_each_other_and_ignore_the_order_of_rows() -> None:
    rows, policy = numeric(300, 1), Policy()
    one, other = islice(twins(rows, policy, 0.3), 2)
    again = next(twins(rows.sample(frac=1.0, random_state=1), policy, 0.3))
    assert same_answers(one, again, rows)
    assert not same_answers(one, other, rows)


@pytest.mark.parametrize(("usual", "in_doubt", "most"), [(2, 3, 3), (3, 2, 3), (0, 3, 0)])
def test_no_more_twins_are_trained_than_the_gates_may_ask_for(
    usual: int, in_doubt: int, most: int
) -> None:
    gates = {"twins": usual, "twins_in_doubt": in_doubt}
    policy = Policy.model_validate({"gates": gates, "model": LINEAR})
    assert len(list(twins(numeric(80, 1), policy, 0.3))) == most


def _golden() -> pd.DataFrame:
    return pd.DataFrame({"label": np.array(["a", "b"] * (N // 2), dtype=object)})


def _wrong_on(*rows: int) -> np.ndarray:
    said = _golden()["label"].to_numpy(object)
    said[list(rows)] = np.where(said[list(rows)] == "a", "b", "a")
    return said


def _gates(ours: Scored, theirs: Scored, again: Sequence[Scored]) -> dict[str, Gate]:
    sets = TrustedSets(_golden(), None, None)
    limits = Gates(bootstrap=200)
    return {g.name: g for g in run_gates(ours, theirs, sets, limits, seed=3, twins=again)}


def test_a_loss_that_retraining_explains_is_not_held() -> None:
    champion, candidate = scored(_wrong_on()), scored(_wrong_on(*range(20)))
    restless = [scored(_wrong_on(*range(100, 125))), scored(_wrong_on(*range(200, 225)))]
    still = [scored(_wrong_on(7)), scored(_wrong_on(8))]
    for name in ("no_regression", "calibration"):
        assert _gates(candidate, champion, restless)[name].state is not GateState.FAIL
        assert _gates(candidate, champion, still)[name].state is GateState.FAIL


def test_churn_is_unexplained_beyond_the_twins() -> None:
    champion, candidate = scored(_wrong_on()), scored(_wrong_on(*range(30)))
    still = _gates(candidate, champion, [scored(_wrong_on(1, 2))])["unexplained_churn"]
    assert still.state is GateState.WARN
    assert still.value == pytest.approx(28 / N)
    restless = [scored(_wrong_on(*range(300, 330)))]
    assert _gates(candidate, champion, restless)["unexplained_churn"].state is GateState.PASS
    unknown = _gates(candidate, champion, [])["unexplained_churn"]
    assert (unknown.state, unknown.value) == (GateState.WARN, None)


def _leaning(share: float, seed: int) -> Predicted:
    """Say b of every canary, with a probability of about ``share`` for a."""
    a = np.clip(share + np.random.default_rng(seed).normal(0, 0.01, 60), 0.01, 0.49)
    return Predicted(("a", "b"), np.full(60, "b", dtype=object), np.column_stack([a, 1 - a]))


def _pull(candidate: float, *twins: float) -> Gate:
    canaries = pd.DataFrame({"attack": ["x"] * 60, "target_label": "a", "true_label": "b"})
    sets = TrustedSets(_golden(), canaries, None)
    right = scored(_wrong_on()).golden
    models = [
        Scored("d" * 64, 1000, 100, right, _leaning(share, seed), None)
        for seed, share in enumerate((candidate, 0.2, *twins))
    ]
    found = run_gates(models[0], models[1], sets, Gates(bootstrap=200), seed=3, twins=models[2:])
    return next(g for g in found if g.name == "attack_pull")


def test_a_pull_towards_the_attack_is_held_before_an_answer_flips() -> None:
    assert _pull(0.35, 0.21, 0.19).state is GateState.FAIL
    assert _pull(0.22, 0.24, 0.17).state is GateState.PASS
    assert _pull(0.10, 0.21, 0.19).state is GateState.PASS


def test_one_twin_alone_hardly_knows_the_noise() -> None:
    assert _pull(0.35, 0.21).state is GateState.WARN
