"""Track records of contributors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.influence import VALIDITY_SCHEMA, credible_interval, prior_llr, update_validity
from foretaste.core.policy import Validity

POLICY = Validity()
NOBODY = VALIDITY_SCHEMA.empty_table().to_pandas()
NO_REVIEWS = pd.DataFrame({"contributor_id": pd.array([], dtype="str"), "good": [], "bad": []})
NO_ROWS = pd.DataFrame(
    {"contributor_id": pd.array([], dtype="str"), "verdict": pd.array([], dtype="str"),
     "posterior": []}
)  # fmt: skip


def decided(who, verdict, posterior):
    return pd.DataFrame(
        {"contributor_id": [who] * len(verdict), "verdict": verdict, "posterior": posterior}
    )


def record(good=0.0, bad=0.0, who="ann"):
    return pd.DataFrame(
        [[who, good, bad, 0, 1, "2026-01-01", "2026-01-01"]], columns=VALIDITY_SCHEMA.names
    )


def llr(good, bad, policy=POLICY):
    return prior_llr(record(good, bad), pd.Series(["ann"]), policy)[0]


def test_decided_rows_count_by_their_posterior_and_discounted():
    rows = decided("ann", ["accepted", "downweighted", "quarantined"], [0.1, 0.4, 0.8])
    after = update_validity(NOBODY, rows, NO_REVIEWS, "2026-01-01", POLICY)
    assert after["good"].tolist() == pytest.approx([0.5 * (0.9 + 0.6)])
    assert after["bad"].tolist() == pytest.approx([0.5 * (0.1 + 0.4 + 0.8)])
    assert after["accepted_rows"].tolist() == [2]
    assert after[["nights", "first_night", "last_night"]].to_numpy().tolist() == [
        [1, "2026-01-01", "2026-01-01"]
    ]


def test_rejected_rows_earn_nothing_good():
    rows = decided("eve", ["rejected"] * 50, [0.0] * 50)
    after = update_validity(NOBODY, rows, NO_REVIEWS, "2026-01-01", POLICY)
    assert after["good"].tolist() == [0.0]
    assert after["accepted_rows"].tolist() == [0]


def test_reviews_count_in_full():
    reviews = pd.DataFrame(
        {"contributor_id": ["ann", "ann"], "good": [1.0, 0.0], "bad": [0.0, 1.0]}
    )
    after = update_validity(NOBODY, NO_ROWS, reviews, "2026-01-01", POLICY)
    assert after[["good", "bad"]].to_numpy().tolist() == [[1.0, 1.0]]
    assert after["nights"].tolist() == [0]


def test_a_record_fades_and_nights_move_on():
    before = update_validity(
        NOBODY, decided("ann", ["accepted"], [0.0]), NO_REVIEWS, "2026-01-01", POLICY
    )
    idle = before
    for _ in range(23):
        idle = update_validity(idle, NO_ROWS, NO_REVIEWS, "2026-01-24", POLICY)
    assert idle["good"][0] == pytest.approx(before["good"][0] / 2, rel=0.01)
    assert idle["last_night"].tolist() == ["2026-01-01"]
    back = update_validity(
        idle, decided("ann", ["accepted"], [0.0]), NO_REVIEWS, "2026-01-25", POLICY
    )
    assert back["accepted_rows"].tolist() == [2]
    assert back[["nights", "first_night", "last_night"]].to_numpy().tolist() == [
        [2, "2026-01-01", "2026-01-25"]
    ]


def test_records_keep_the_schema_and_their_order():
    rows = pd.concat([decided(w, ["accepted"], [0.0]) for w in ("zoe", "ann", "bob")])
    after = update_validity(record(who="mia"), rows, NO_REVIEWS, "2026-01-02", POLICY)
    assert after["contributor_id"].tolist() == ["ann", "bob", "mia", "zoe"]
    assert after.columns.tolist() == VALIDITY_SCHEMA.names
    assert VALIDITY_SCHEMA.empty_table().to_pandas().columns.tolist() == after.columns.tolist()
    assert after["accepted_rows"].dtype == np.int64


def test_nothing_ever_happened():
    after = update_validity(NOBODY, NO_ROWS, NO_REVIEWS, "2026-01-01", POLICY)
    assert after.empty
    assert prior_llr(after, pd.Series(["ann"]), POLICY).tolist() == [0]


def test_the_unknown_have_no_prior_evidence():
    assert prior_llr(record(0, 40), pd.Series(["bob", "ann"]), POLICY).tolist()[0] == 0


@settings(deadline=None)
@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_worse_record_never_lowers_the_suspicion(good, bad, more):
    assert llr(good, bad + more) >= llr(good, bad)
    assert llr(good + more, bad) <= llr(good, bad)


@settings(deadline=None)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_trust_is_capped_well_below_distrust(good, bad):
    assert -1_000_000 <= llr(good, bad) <= 4_000_000


def test_the_cap_of_the_policy_holds_on_both_sides():
    tight = Validity(max_llr=0.5)
    assert llr(1e6, 0, tight) == -500_000
    assert llr(0, 1e6, tight) == 500_000


@settings(deadline=None)
@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_the_interval_holds_the_mean(good, bad):
    shown = credible_interval(record(good, bad), POLICY).iloc[0]
    assert 0 <= shown["low"] <= shown["high"] <= 1
    assert shown["low"] <= shown["mean"] + 1e-9
    assert shown["mean"] <= shown["high"] + 1e-9


def test_more_rows_narrow_the_interval():
    few, many = credible_interval(pd.concat([record(9, 1), record(900, 100)]), POLICY).to_numpy()
    assert many[2] - many[1] < (few[2] - few[1]) / 5


def test_a_sleeper_cannot_save_up_trust():
    record_of_years, poison = record(), decided("ann", ["quarantined"] * 30, [0.95] * 30)
    for day in range(1, 29):
        rows = decided("ann", ["accepted"] * 20, [0.01] * 20)
        record_of_years = update_validity(
            record_of_years, rows, NO_REVIEWS, f"2026-02-{day:02d}", POLICY
        )
    asleep = prior_llr(record_of_years, pd.Series(["ann"]), POLICY)[0]
    awake = update_validity(record_of_years, poison, NO_REVIEWS, "2026-03-01", POLICY)
    assert asleep == -1_000_000
    assert prior_llr(awake, pd.Series(["ann"]), POLICY)[0] > 0 > asleep
