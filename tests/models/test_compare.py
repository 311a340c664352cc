"""A/B replay: McNemar and the paired bootstrap on logged units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.gate import GateState
from foretaste.core.policy import Gates
from foretaste.models.compare import mcnemar, replay, replay_test
from foretaste.models.family import settle
from tests.models.worlds import said

LIMITS = Gates()


def test_mcnemar_by_hand() -> None:
    """8 against 2: 2 x (1 + 10 + 45) / 1024; 1 against 5: 2 x (1 + 6) / 64."""
    assert mcnemar(8, 2) == pytest.approx(0.109375)
    assert mcnemar(2, 8) == pytest.approx(0.109375)
    assert mcnemar(1, 5) == pytest.approx(0.21875)
    assert mcnemar(0, 0) == 1.0


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_symmetric_and_a_probability(won: int, lost: int) -> None:
    assert mcnemar(won, lost) == pytest.approx(mcnemar(lost, won))
    assert 0 < mcnemar(won, lost) <= 1


def _traffic(outcome: Sequence[str | None]) -> pd.DataFrame:
    n = len(outcome)
    return pd.DataFrame(
        {
            "unit_id": [f"u{i:05d}" for i in range(n)],
            "ts": pd.date_range("2026-01-01", periods=n, freq="min", tz="UTC"),
            "arm": "A",
            "model": "m",
            "prediction": "a",
            "outcome": np.array(outcome, dtype=object),
            "outcome_ts": pd.Timestamp("2026-01-03", tz="UTC"),
        }
    )


def test_the_replay_counts_wins_losses_and_flips() -> None:
    traffic = _traffic(["a"] * 6 + ["b"] * 4)
    ours = said(["a", "a", "a", "b", "b", "b", "b", "b", "b", "a"])
    theirs = said(["b", "a", "a", "a", "a", "b", "b", "b", "a", "a"])
    found = replay(ours, theirs, traffic, LIMITS, seed=1)
    assert (found.units, found.won, found.lost) == (10, 2, 2)
    assert found.flips == {"a": (1, 2), "b": (1, 0)}
    assert found.gain.value == 0.0


def test_units_without_an_outcome_and_repeated_units_do_not_count() -> None:
    traffic = _traffic(["a", None, "a", "b"])
    traffic.loc[3, "unit_id"] = "u00000"
    found = replay(said(["a"] * 4), said(["b"] * 4), traffic, LIMITS, seed=1)
    assert (found.units, found.won, found.lost) == (2, 2, 0)


def test_the_order_of_the_log_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    traffic = _traffic([str(x) for x in rng.choice(["a", "b"], 300)])
    ours, theirs = (rng.choice(["a", "b"], 300).astype(object) for _ in range(2))
    mixed = rng.permutation(300)
    straight = replay(said(ours), said(theirs), traffic, LIMITS, seed=1)
    shuffled = replay(said(ours[mixed]), said(theirs[mixed]), traffic.iloc[mixed], LIMITS, seed=1)
    assert straight == shuffled


def _state(lost: int, n: int) -> GateState:
    ours = said(["b"] * lost + ["a"] * (n - lost))
    asked = replay_test(ours, said(["a"] * n), _traffic(["a"] * n), LIMITS, seed=1)
    return settle([asked], LIMITS.alpha)[0].state


def test_a_sure_loss_fails_an_unsure_one_warns_a_small_one_passes() -> None:
    assert _state(60, 1000) is GateState.FAIL
    assert _state(4, 100) is GateState.WARN
    assert _state(15, 1000) is GateState.PASS
    assert _state(0, 1000) is GateState.PASS


def test_a_log_that_says_nothing_is_undecided() -> None:
    answers = said(["a"] * 3)
    broken = said(["a"] * 3)
    broken.probability[:] = np.nan
    logs = [
        replay_test(answers, answers, _traffic([None] * 3), LIMITS, seed=1),
        replay_test(said([]), said([]), _traffic([]), LIMITS, seed=1),
        replay_test(answers, None, _traffic(["a"] * 3), LIMITS, seed=1),
        replay_test(broken, answers, _traffic(["a"] * 3), LIMITS, seed=1),
        replay_test(answers, answers, _traffic(["a"] * 3)[["ts"]], LIMITS, seed=1),
    ]
    assert {g.state for g in settle(logs, LIMITS.alpha)} == {GateState.UNDECIDED}
