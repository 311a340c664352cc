"""The family of tests: an honest candidate is rarely held, however many gates ask."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.gate import Gate, GateState
from foretaste.models.family import Test, hommel, settle, worst
from foretaste.models.measure import Interval

P = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def _asked(p: float, name: str = "one", *, beyond: bool = False) -> Test:
    return Test(name, Interval(-0.1, -0.2, 0.0), p, ">= 0", "meaning", "act", beyond=beyond)


def _closed(values: list[float]) -> list[float]:
    """Hommel's method by its definition: the largest Simes p-value of any set with it."""
    n = len(values)
    sets = [s for k in range(1, n + 1) for s in combinations(range(n), k)]
    simes = {
        s: min(len(s) * p / (i + 1) for i, p in enumerate(sorted(values[j] for j in s)))
        for s in sets
    }
    return [max(simes[s] for s in sets if i in s) for i in range(n)]


@given(st.lists(st.floats(0, 1), max_size=6))
def test_a_corrected_p_value_is_that_of_the_closed_test(values: list[float]) -> None:
    assert hommel(values).tolist() == pytest.approx(_closed(values))


@given(P)
def test_corrected_p_values_lie_between_the_raw_ones_and_bonferronis(values: list[float]) -> None:
    raw, corrected = np.array(values), hommel(values)
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(1.0, raw * len(raw)) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(raw, kind="stable")]) >= 0).all()


def test_the_worst_is_the_smallest_also_where_correction_makes_them_equal() -> None:
    assert hommel([0.012, 0.01]).tolist() == [0.012, 0.012]
    assert worst(("a", "b"), [0.012, 0.01]) == (1, 0.012)
    assert worst(("b", "a"), [0.01, 0.01]) == (1, 0.01)


@given(P)
def test_the_order_of_the_questions_changes_no_answer(values: list[float]) -> None:
    order = np.random.default_rng(len(values)).permutation(len(values))
    assert hommel([values[i] for i in order]) == pytest.approx(hommel(values)[order])


def test_seven_true_hypotheses_together_err_once_in_twenty() -> None:
    rng = np.random.default_rng(1)
    held = [
        any(g.state is GateState.FAIL for g in settle(map(_asked, p), 0.05))
        for p in rng.random((2000, 7))
    ]
    assert 0.03 < np.mean(held) < 0.065


def test_a_p_value_that_only_the_family_excuses_warns() -> None:
    told = settle([_asked(0.03), _asked(0.6), _asked(0.001)], 0.05)
    assert [g.state for g in told] == [GateState.WARN, GateState.PASS, GateState.FAIL]
    assert "0.06 in the family" in told[0].meaning


def test_beyond_what_is_tolerated_warns_even_where_nothing_is_sure() -> None:
    assert settle([_asked(0.5, beyond=True)], 0.05)[0].state is GateState.WARN


def test_what_could_not_be_measured_is_undecided_and_costs_the_others_nothing() -> None:
    nan = float("nan")
    lost = Test("lost", Interval(nan, nan, nan), 1.0, "", "", "")
    gate = Gate("kept", GateState.PASS, 1.0, 1.0, 1.0, "", "", "")
    told = settle([lost, gate, _asked(0.04)], 0.05)
    assert [g.state for g in told] == [GateState.UNDECIDED, GateState.PASS, GateState.FAIL]
    assert told[1] is gate
