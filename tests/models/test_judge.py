"""More twins where the answer is near, and no more where it is clear."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from foretaste.core.gate import Gate, GateState, holding
from foretaste.core.policy import Gates
from foretaste.models.evaluate import Scored, TrustedSets
from foretaste.models.gates import run_gates
from foretaste.models.judge import TESTS, in_doubt, judge
from tests.models.worlds import scored

N = 400
LIMITS = Gates(bootstrap=200, twins=2, twins_in_doubt=5)
LABELS = np.array(["a", "b"] * (N // 2), dtype=object)
SETS = TrustedSets(
    pd.DataFrame({"label": LABELS}),
    pd.DataFrame({"attack": ["x"] * 30 + [None] * 10, "target_label": "a", "true_label": "b"}),
    None,
)


def _model(wrong: int, at: int = 0, hits: int = 0) -> Scored:
    said = LABELS.copy()
    said[at : at + wrong] = np.where(said[at : at + wrong] == "a", "b", "a")
    return scored(said, np.array(["a"] * hits + ["b"] * (40 - hits), dtype=object))


def _twins(told: list[int]) -> Iterator[Scored]:
    """Models that err on a few rows each; counts those that were asked for."""
    for number in range(20):
        told.append(number)
        yield _model(3, at=10 * number)


@pytest.mark.parametrize(("wrong", "trained"), [(0, 2), (40, 5)])
def test_a_clear_candidate_costs_the_usual_twins_and_a_doubtful_one_more(
    wrong: int, trained: int
) -> None:
    told: list[int] = []
    gates, count = judge(_model(wrong), _model(0), SETS, LIMITS, seed=1, twins=_twins(told))
    assert (count, len(told)) == (trained, trained)
    assert bool(holding(gates)) == (wrong > 0)


def test_the_answer_is_that_of_all_the_twins_that_were_asked() -> None:
    candidate, champion = _model(12, at=200), _model(0)
    gates, count = judge(candidate, champion, SETS, LIMITS, seed=1, twins=_twins([]))
    again = tuple(model for model, _ in zip(_twins([]), range(count), strict=False))
    assert gates == run_gates(candidate, champion, SETS, LIMITS, seed=1, twins=again)


def test_fewer_twins_than_wanted_are_enough_to_judge() -> None:
    for twins in ([], [_model(3)]):
        gates, count = judge(_model(40), _model(0), SETS, LIMITS, seed=1, twins=twins)
        assert count == len(twins)
        assert holding(gates)


def test_the_first_night_asks_no_twin() -> None:
    told: list[int] = []
    gates, _ = judge(_model(0), None, SETS, LIMITS, seed=1, twins=_twins(told))
    assert not in_doubt(gates)
    assert not holding(gates)


def test_every_test_of_a_candidate_is_one_that_can_be_doubtful() -> None:
    """All that fail by a p-value, and they alone; these sets have no traffic to replay."""
    gates = run_gates(
        _model(200, hits=30), _model(0), SETS, LIMITS, seed=1, twins=list(_twins([]))[:2]
    )
    weighed = {gate.name for gate in gates if "in the family of gates" in gate.meaning}
    assert weighed == TESTS - {"ab_replay"}


@pytest.mark.parametrize("state", list(GateState))
def test_only_warnings_and_failures_of_comparisons_are_doubtful(state: GateState) -> None:
    def told(name: str) -> Gate:
        return Gate(name, state, 1.0, 1.0, 1.0, "", "", "")

    assert in_doubt([told("together")]) == (state in (GateState.WARN, GateState.FAIL))
    assert not in_doubt([told("training_rows"), told("churn")])
