"""When a test goes on, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foretaste.models.ab.judge import Finding, Found
from foretaste.models.ab.log import typed
from tests.models.ab_logs import LIMITS, NOW, START, judged, sifted, traffic


def seen(rows: pd.DataFrame, **limits: Any) -> Found:
    """Judge a log."""
    return judged(sifted(typed(rows)), LIMITS.model_copy(update=limits))


def test_equal_models_go_on() -> None:
    found = seen(traffic(3000))
    assert (found.finding, found.ends) == (Finding.RUNNING, False)
    assert found.gain.low < 0 < found.gain.high
    assert sum(found.units) == 3000
    assert not [guard.name for guard in found.guards if guard.harmed]


def test_counts_and_gain_by_hand() -> None:
    rows = traffic(500)
    found = seen(rows)
    for at, arm in enumerate(("candidate", "champion")):
        mine = rows[rows["arm"] == arm]
        assert found.units[at] == found.known[at] == len(mine)
        assert found.right[at] == (mine["prediction"] == mine["outcome"]).sum()
    a, b = (found.right[i] / found.known[i] for i in (0, 1))
    assert found.gain.value == pytest.approx(a - b)


def test_a_worse_candidate_ends_it_and_a_better_one_says_so() -> None:
    worse = seen(traffic(3000, (0.75, 0.9)))
    assert (worse.finding, worse.ends) == (Finding.HARM, True)
    assert "right answers" in worse.reason
    better = seen(traffic(3000, (0.9, 0.75)))
    assert (better.finding, better.ends) == (Finding.GAIN, False)


def test_tolerated_loss_is_no_harm() -> None:
    assert seen(traffic(3000, (0.85, 0.9)), max_loss=0.2).finding is Finding.RUNNING


def test_too_few_units_say_nothing() -> None:
    found = seen(traffic(150, (0.0, 1.0)))
    assert found.finding is Finding.RUNNING
    assert "fewer than 100" in found.reason


def _hurt(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Spoil a part of the candidate's units in one way."""
    rng = np.random.default_rng(3)
    ours = (rows["arm"] == "candidate").to_numpy()
    some = ours & (rng.random(len(rows)) < 0.3)
    rows = rows.copy()
    if what == "missing outcomes":
        rows.loc[some, ["outcome", "outcome_ts"]] = None
    elif what == "unanswered":
        rows.loc[some, "prediction"] = None
    elif what == "slow answers":
        rows.loc[some, "latency_ms"] = 5000.0
    else:
        rows.loc[ours & (rows["outcome"] == "c1").to_numpy() & some, "prediction"] = "c0"
    return rows


@pytest.mark.parametrize("what", ["missing outcomes", "unanswered", "slow answers", "errors of c1"])
def test_each_guardrail_ends_a_test_that_the_gain_would_not(what: str) -> None:
    """A loss that is tolerated overall, so that only the guardrail can speak."""
    found = seen(_hurt(traffic(4000), what), max_loss=1.0)
    harmed = [guard.name for guard in found.guards if guard.harmed]
    assert what in harmed
    assert (found.finding, found.ends) == (Finding.HARM, True)
    assert what in found.reason


def test_a_log_without_latencies_has_a_guardrail_that_says_nothing() -> None:
    found = seen(traffic(2000).drop(columns="latency_ms"))
    (slow,) = (guard for guard in found.guards if guard.name == "slow answers")
    assert (slow.units, slow.harmed) == ((0, 0), False)
    assert found.finding is Finding.RUNNING


def test_lost_units_end_it_and_never_as_a_gain() -> None:
    """A server that drops the units which the candidate gets wrong looks like a gain."""
    rows = traffic(6000, (0.8, 0.8))
    wrong = (rows["arm"] == "candidate") & (rows["prediction"] != rows["outcome"])
    found = seen(rows[~wrong])
    assert found.gain.low > 0
    assert (found.finding, found.ends) == (Finding.MISMATCH, True)


def test_a_log_full_of_lies_never_ends_in_a_gain_but_may_in_harm() -> None:
    lies = traffic(300, seed=9).assign(model="f" * 64)
    better = pd.concat([traffic(3000, (0.9, 0.75)), lies], ignore_index=True)
    found = seen(better)
    assert (found.finding, found.ends) == (Finding.DISTRUSTED, False)
    worse = pd.concat([traffic(3000, (0.7, 0.9)), lies], ignore_index=True)
    assert seen(worse).finding is Finding.HARM


def test_a_file_that_cannot_be_read_is_not_trusted() -> None:
    sample = sifted(typed(traffic(50)))
    broken = replace(sample, problems={"unreadable_file": 1})
    assert judged(broken).finding is Finding.DISTRUSTED


def test_a_log_with_nothing_in_it_goes_on_until_time_is_over() -> None:
    nothing = sifted(typed(traffic(3).iloc[:0]))
    assert judged(nothing).finding is Finding.RUNNING
    late = judged(nothing, now=START + timedelta(days=LIMITS.max_days))
    assert (late.finding, late.ends) == (Finding.UNDECIDED, True)


def test_time_and_units_run_out() -> None:
    assert seen(traffic(1000), max_units=1001).finding is Finding.RUNNING
    full = seen(traffic(1000), max_units=1000)
    assert (full.finding, full.ends) == (Finding.UNDECIDED, True)
    better = seen(traffic(3000, (0.9, 0.75)), max_days=(NOW - START).days)
    assert (better.finding, better.ends) == (Finding.GAIN, True)


def test_tests_of_equal_models_seldom_end_in_harm_however_often_one_looks() -> None:
    """Fifteen tests with three looks each, through the whole road from log to finding."""
    days = [START + timedelta(days=day) for day in (2, 3, 4)]
    ended = 0
    for seed in range(15):
        rows = typed(traffic(1000, seed=100 + seed))
        looks = [sifted(rows[rows["ts"] <= day], now=day, hours=2) for day in days]
        ended += any(judged(look).finding is Finding.HARM for look in looks)
    assert ended <= 1
