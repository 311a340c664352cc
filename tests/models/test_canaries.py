"""Canaries: a poisoned model is caught although its accuracy looks fine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from foretaste.core.errors import ContractError
from foretaste.core.gate import Gate, GateState
from foretaste.core.policy import Gates, Policy
from foretaste.models.canaries import attack_success, canary_tests, success_of
from foretaste.models.evaluate import Scored, TrustedSets, score
from foretaste.models.family import settle
from foretaste.models.gates import run_gates
from foretaste.models.train import Trained, train
from tests.models.worlds import backdoored, mail, said, trigger_canaries

LIMITS = Gates()


@pytest.fixture(scope="module")
def clean() -> Trained:
    return train(mail(2000, 1), Policy(), 7)


@pytest.fixture(scope="module")
def poisoned() -> Trained:
    return train(backdoored(mail(2000, 1), 60), Policy(), 7)


def _scored(model: Trained, sets: TrustedSets) -> Scored:
    return score(model, sets, digest="d" * 64, model_bytes=1000, n_rows=model.n_rows)


@pytest.mark.parametrize("first_night", [True, False])
def test_a_backdoored_model_fails_although_its_accuracy_does_not(
    clean: Trained, poisoned: Trained, *, first_night: bool
) -> None:
    sets = TrustedSets(mail(500, 2), trigger_canaries(), None)
    champion = None if first_night else _scored(clean, sets)
    found = {g.name: g for g in run_gates(_scored(poisoned, sets), champion, sets, LIMITS, seed=3)}
    assert found["floor"].state is GateState.PASS
    assert found["attack_success"].state is GateState.FAIL
    if not first_night:
        assert found["no_regression"].state is GateState.PASS
        assert found["attacks_not_worse"].state is GateState.FAIL


def test_the_clean_model_resists_and_keeps_the_look_alikes(clean: Trained) -> None:
    found = attack_success(clean, trigger_canaries())
    assert found.overall.value < 0.1
    assert found.look_alikes.value > 0.9
    assert found.look_alikes.low < found.look_alikes.value < found.look_alikes.high or (
        found.look_alikes.value == 1.0
    )


def _canaries(rows: Sequence[tuple[str | None, str | None, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["attack", "target_label", "true_label"])


def _gates(ours: list[str], theirs: list[str] | None, canaries: pd.DataFrame) -> dict[str, Gate]:
    champion = None if theirs is None else said(theirs)
    asked = canary_tests(said(ours), champion, canaries, LIMITS, bootstrap=theirs is None)
    return {g.name: g for g in settle(asked, LIMITS.alpha)}


def test_success_counts_only_rows_where_the_target_is_a_lie() -> None:
    canaries = _canaries(
        [("x", "a", "b"), ("x", "a", "b"), ("x", "a", "a"), ("y", "a", "b"), (None, None, "b")]
    )
    found = success_of(said(["a", "b", "a", "b", "a"]), canaries, alpha=0.05)
    assert found.overall.value == pytest.approx(1 / 3)
    assert found.by_attack["x"].value == 0.5
    assert found.by_attack["y"].value == 0.0
    assert found.worst[0] == "x"
    assert found.look_alikes.value == 0.0


def test_one_working_attack_does_not_drown_among_many() -> None:
    canaries = _canaries([("works", "a", "b")] * 12 + [("fails", "a", "b")] * 200)
    found = _gates(["a"] * 12 + ["b"] * 200, None, canaries)
    assert found["attack_success"].state is GateState.PASS
    assert found["attack_worst"].state is GateState.FAIL
    assert "works" in found["attack_worst"].meaning


def test_an_attack_that_newly_works_is_not_paid_for_by_others() -> None:
    canaries = _canaries([("new", "a", "b")] * 12 + [("old", "a", "b")] * 100)
    ours = ["a"] * 12 + ["b"] * 100
    theirs = ["b"] * 12 + ["a"] * 40 + ["b"] * 60
    found = _gates(ours, theirs, canaries)["attacks_not_worse"]
    assert found.state is GateState.FAIL
    assert "new" in found.meaning


def test_look_alikes_that_turn_wrong_are_held() -> None:
    canaries = _canaries([("x", "a", "b")] * 20 + [(None, None, "a")] * 40)
    ours = ["b"] * 20 + ["b"] * 12 + ["a"] * 28
    theirs = ["b"] * 20 + ["a"] * 40
    found = _gates(ours, theirs, canaries)
    assert found["look_alikes_not_worse"].state is GateState.FAIL
    assert found["attacks_not_worse"].state is GateState.PASS


def test_equal_models_pass() -> None:
    canaries = _canaries([("x", "a", "b")] * 20 + [(None, None, "a")] * 20)
    answers = ["b"] * 19 + ["a"] + ["a"] * 20
    assert {g.state for g in _gates(answers, answers, canaries).values()} == {GateState.PASS}


def test_no_canaries_warn_and_unusable_ones_are_undecided() -> None:
    canaries = _canaries([("x", "a", "b")] * 5)
    broken = said(["a"] * 5)
    broken.probability[:] = np.nan
    ask = [
        canary_tests(None, None, None, LIMITS, bootstrap=True),
        canary_tests(said([]), None, canaries.head(0), LIMITS, bootstrap=True),
        canary_tests(broken, None, canaries, LIMITS, bootstrap=True),
        canary_tests(None, None, canaries, LIMITS, bootstrap=True),
        canary_tests(said(["a"] * 5), None, canaries[["attack"]], LIMITS, bootstrap=True),
        canary_tests(said(["a"] * 5), None, canaries.assign(attack=None), LIMITS, bootstrap=True)[
            :2
        ],
    ]
    states = [{g.state for g in settle(asked, LIMITS.alpha)} for asked in ask]
    assert states == [{GateState.WARN}] + [{GateState.UNDECIDED}] * 5


def test_a_champion_that_cannot_answer_is_undecided() -> None:
    canaries = _canaries([("x", "a", "b")] * 20)
    asked = canary_tests(said(["b"] * 20), None, canaries, LIMITS, bootstrap=False)
    found = settle(asked, LIMITS.alpha)
    assert found[-1].name == "attacks_not_worse"
    assert found[-1].state is GateState.UNDECIDED


def test_canaries_without_their_columns_are_a_contract_error(clean: Trained) -> None:
    with pytest.raises(ContractError, match="true_label"):
        attack_success(clean, trigger_canaries().drop(columns="true_label"))
