"""What a row weighs before the caps."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.influence import base_weights
from foretaste.core.policy import Influence, ReportLimit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD = pd.Series({"ann": 100, "bob": 100, "eve": 100})


def rows(who, hours=None, **columns):
    """Rows sent ``hours`` before now, in the order of their ids."""
    n = len(who)
    ago = np.arange(n)[::-1] if hours is None else np.asarray(hours)
    table = {
        "row_id": [f"r{i:04d}" for i in range(n)],
        "contributor_id": pd.array(who, dtype="str"),
        "contributed_at": [NOW - timedelta(hours=float(h)) for h in ago],
        "time_unknown": False,
        "tier": "registered",
        "kind": pd.array([None] * n, dtype="str"),
    }
    return pd.DataFrame({**table, **columns})


def weigh(frame, accepted=OLD, **policy):
    return base_weights(frame, accepted, Influence(**policy), as_of=NOW)


def test_the_row_after_half_count_others_weighs_half():
    decay = weigh(rows(["ann"] * 21), half_count=10)["decay"]
    assert decay[0] == 1
    assert decay[10] == pytest.approx(0.5, abs=1e-6)
    assert decay[20] == pytest.approx(0.25, abs=1e-6)


def test_a_flood_is_worth_a_bounded_number_of_rows():
    decay = weigh(rows(["ann"] * 5000, hours=np.zeros(5000)), half_count=10)["decay"]
    assert decay.sum() < 1.5 * 10
    assert (decay > 0).all()


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ann", "bob", "eve"]), max_size=40), st.floats(1, 50))
def test_volume_never_adds_weight_to_a_later_row(who, half_count):
    frame = rows(who)
    decay = weigh(frame, half_count=half_count)["decay"]
    for _, own in decay.groupby(frame["contributor_id"]):
        assert own.is_monotonic_decreasing


def test_only_the_window_counts():
    hours = [30 * 24, 20 * 24, 3, 2, 1]
    decay = weigh(rows(["ann"] * 5, hours=hours), half_count=1, window_days=7)["decay"]
    assert decay.tolist() == pytest.approx([1, 1, 1, 0.5, 0.25])


def test_unknown_and_future_times_count_as_now():
    frame = rows(["ann"] * 3, hours=[1, -50, 9999], time_unknown=[False, False, True])
    decay = weigh(frame, half_count=1)["decay"]
    assert decay.tolist() == pytest.approx([1, 0.5, 0.25])


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_rows_is_no_matter(order):
    frame = rows(["ann", "bob", "eve"] * 4, hours=[5] * 12, kind="false_positive")
    shuffled = weigh(frame.iloc[list(order)])
    pd.testing.assert_frame_equal(shuffled.sort_index(), weigh(frame))


def test_tiers_and_newcomers_multiply():
    frame = rows(["ann", "bob", "new"], tier=["anonymous", "trusted", "registered"])
    weighed = weigh(frame, accepted=pd.Series({"ann": 5, "bob": 4}))
    assert weighed["tier"].tolist() == [0.5, 2.0, 1.0]
    assert weighed["newcomer"].tolist() == pytest.approx([1.0, 0.3, 0.3])
    assert weighed["weight"].tolist() == pytest.approx([0.5, 0.6, 0.3], abs=1e-6)


def test_a_tier_that_the_policy_leaves_out_weighs_one():
    assert weigh(rows(["ann"]), tiers={"trusted": 2.0})["tier"].tolist() == [1.0]


def test_reports_decay_by_kind_on_top():
    kinds = ["false_positive", None, "false_positive", "false_negative", "false_positive"]
    frame = rows(["ann"] * 5, kind=pd.array(kinds, dtype="str"))
    limits = {"false_positive": ReportLimit(half_count=1, share=1.0)}
    weighed = weigh(frame, reports=limits, half_count=1e6)
    assert weighed["report"].tolist() == pytest.approx([1, 1, 0.5, 1, 0.25])


def test_nobody_holds_more_than_the_share_of_a_kind_of_report():
    who = ["eve"] * 500 + [f"honest{i}" for i in range(100)]
    frame = rows(who, hours=np.zeros(600), kind="false_positive")
    limits = {"false_positive": ReportLimit(half_count=1e6, share=0.05)}
    weighed = weigh(frame, reports=limits, half_count=1e6)
    share = weighed["weight"][:500].sum() / weighed["weight"].sum()
    assert share == pytest.approx(0.05, abs=1e-3)


def test_no_rows():
    assert weigh(rows([]).astype({"contributed_at": "datetime64[us, UTC]"})).empty


def test_rows_are_not_changed():
    frame = rows(["ann", "bob"], kind="false_positive")
    before = frame.copy()
    weigh(frame)
    pd.testing.assert_frame_equal(frame, before)
