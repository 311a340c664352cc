"""Promotion plans: promoted only when every gate that must speak has spoken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from foretaste.core.gate import Gate, GateState
from foretaste.core.ledger import Champion
from foretaste.models.gates import ALWAYS, COMPARED
from foretaste.models.promotion import against_gates, plan_promotion

NEW, OLD = "a" * 64, "b" * 64


def _gates(first_night: bool = False) -> list[Gate]:
    names = sorted(ALWAYS if first_night else ALWAYS | COMPARED)
    return [
        Gate(n, GateState.PASS, 0.9, 0.8, 1.0, ">= 0.60", f"{n} was measured", "") for n in names
    ]


def _with(state: GateState) -> list[Gate]:
    gates = _gates()
    return [replace(gates[0], state=state, action="look"), *gates[1:]]


def test_all_gates_passing_promotes() -> None:
    plan = plan_promotion(NEW, "4", OLD, _gates())
    assert plan.verdict == "promote"
    assert not plan.reasons
    assert not plan.bootstrap


def test_the_first_night_needs_fewer_gates_and_says_so() -> None:
    plan = plan_promotion(NEW, "1", None, _gates(first_night=True))
    assert plan.verdict == "promote"
    assert plan.bootstrap
    assert "bootstrap" in plan.describe()


@pytest.mark.parametrize("state", [GateState.FAIL, GateState.UNDECIDED])
def test_one_gate_holds_and_a_person_may_override_with_a_reason(state: GateState) -> None:
    held = plan_promotion(NEW, "4", OLD, _with(state))
    assert held.verdict == "hold"
    assert len(held.reasons) == 1
    assert plan_promotion(NEW, "4", OLD, _with(state), override_reason="  ").verdict == "hold"
    forced = plan_promotion(NEW, "4", OLD, _with(state), override_reason="the task has changed")
    assert forced.verdict == "promote"
    assert forced.overridden
    assert forced.reasons == held.reasons
    assert "the task has changed" in forced.describe()


def test_a_warning_does_not_hold() -> None:
    assert plan_promotion(NEW, "4", OLD, _with(GateState.WARN)).verdict == "promote"


@pytest.mark.parametrize("missing", sorted(ALWAYS | COMPARED))
def test_a_gate_that_was_not_asked_holds_whatever_a_person_says(missing: str) -> None:
    gates = [g for g in _gates() if g.name != missing]
    plan = plan_promotion(NEW, "4", OLD, gates, override_reason="never mind")
    assert plan.verdict == "hold"
    assert not plan.overridden
    assert plan.reasons == (f"{missing} was not asked",)


def test_an_override_does_not_reach_past_a_gate_that_was_not_asked() -> None:
    gates = _with(GateState.FAIL)[:-1]
    plan = plan_promotion(NEW, "4", OLD, gates, override_reason="I know better")
    assert plan.verdict == "hold"
    assert not plan.overridden
    assert len(plan.reasons) == 2


def test_no_gates_at_all_hold() -> None:
    assert plan_promotion(NEW, "1", None, []).verdict == "hold"


def test_the_champion_is_not_promoted_again() -> None:
    plan = plan_promotion(OLD, "4", OLD, _gates())
    assert plan.verdict == "hold"
    assert "already" in plan.reasons[0]


def test_the_description_names_every_gate_and_what_to_do() -> None:
    text = plan_promotion(NEW, "4", OLD, _with(GateState.FAIL)).describe()
    assert all(g.name in text for g in _gates())
    assert "look" in text
    assert NEW[:12] in text
    assert OLD[:12] in text


def test_a_needless_override_is_not_recorded() -> None:
    plan = plan_promotion(NEW, "4", OLD, _gates(), override_reason="hurry")
    assert plan.verdict == "promote"
    assert not plan.overridden
    assert plan.override_reason == ""


def _history(*moves: tuple[str, str, bool]) -> list[Champion]:
    """Champions by model, kind and override, oldest first; given newest first."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = [
        Champion(i, model, 1, at, "ada", "why", kind, override, f"run-{i}")
        for i, (model, kind, override) in enumerate(moves, 1)
    ]
    return told[::-1]


def test_going_back_to_an_overruled_model_is_against_its_gates_too() -> None:
    forced, fair = (OLD, "promote", True), (NEW, "promote", False)
    assert set(against_gates(_history(fair))) == set()
    assert set(against_gates(_history(forced, fair))) == {1}
    assert set(against_gates(_history(forced, fair, (OLD, "rollback", False)))) == {1, 3}
    assert set(against_gates(_history(forced, fair, (OLD, "promote", False)))) == {1}
