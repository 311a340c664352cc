import numpy as np
import pandas as pd
import pytest

from expectations.accepted import check_accepted, label_shift
from expectations.drift import find_drift
from foretaste.core.policy import Policy
from tests.expectations.nights import accepted, failed, shares

CAPS = {"contributor": 0.1, "actor": 0.2, "subnet": 0.4}


def judge(rows, previous=None, stated=None, caps=CAPS, **limits):
    policy = Policy(expectations=limits) if limits else Policy()
    return check_accepted(rows, previous, shares(rows) if stated is None else stated, caps, policy)


def test_a_good_night_passes_against_the_one_before():
    report = judge(accepted(), accepted(start=1000, seed=1))
    assert failed(report) == set()
    assert report.ok
    assert report.evaluated == report.expected


def test_the_first_night_compares_with_nothing():
    names = {r.name for r in judge(accepted()).results}
    assert names.isdisjoint({"drift", "volume_factor", "label_shift", "already_released"})
    assert judge(accepted(), accepted(0)).expected == len(names)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("repeated_row_ids", {"row_id": ["r0"] * 200}),
        ("missing_labels", {"label": pd.Series([None] * 200, dtype="str")}),
        ("bad_weights", {"weight": [0.0] + [200 / 199] * 199}),
        ("bad_weights", {"weight": [np.nan] + [1.0] * 199}),
        ("mean_weight", {"weight": [2.0] * 200}),
        ("mean_weight", {"weight": [np.inf] * 200}),
    ],
)
def test_each_broken_row_fails_its_expectation(name, columns):
    report = judge(accepted(**columns))
    assert name in failed(report)
    assert not report.ok


def test_nothing_accepted_holds_the_night():
    assert failed(judge(accepted(0))) == {"accepted_rows"}


@pytest.mark.parametrize("kind", ["contributor", "actor", "subnet"])
def test_nobody_holds_more_than_the_cap(kind):
    rows = accepted()
    largest = shares(rows)[kind]["share"].max()
    assert judge(rows, caps={**CAPS, kind: largest - 0.0004}).ok
    assert failed(judge(rows, caps={**CAPS, kind: largest - 0.0006})) == {f"{kind}_share"}


@pytest.mark.parametrize("kind", ["contributor", "actor", "subnet"])
def test_a_share_that_is_understated_or_left_out_is_found(kind):
    rows = accepted()
    told = shares(rows)
    understated = {**told, kind: told[kind].assign(share=0.001)}
    assert failed(judge(rows, stated=understated)) == {f"{kind}_share_error"}
    left_out = {**told, kind: told[kind].iloc[1:]}
    assert failed(judge(rows, stated=left_out)) == {f"{kind}_share_error"}


def test_a_share_that_is_not_a_number_fails():
    rows = accepted()
    told = shares(rows)
    told["actor"].loc[0, "share"] = np.nan
    assert "actor_share" in failed(judge(rows, stated=told))


def test_rows_without_a_subnet_form_no_group():
    rows = accepted(subnet_id=pd.Series([None] * 200, dtype="str"))
    assert judge(rows).ok


def test_a_shifted_label_mix_holds_the_night():
    rows = accepted(label=["spam"] * 200)
    assert failed(judge(rows, accepted(start=1000, seed=1))) == {"label_shift"}


def test_a_new_class_is_a_warning():
    rows = accepted(label=["ham", "spam"] * 99 + ["new", "new"])
    report = judge(rows, accepted(start=1000, seed=1))
    assert failed(report) == {"new_classes"}
    assert report.ok


@pytest.mark.parametrize("n", [39, 1001])
def test_a_volume_far_from_the_last_holds_the_night(n):
    report = judge(accepted(n), accepted(200, start=2000, seed=1), max_drift=10)
    assert failed(report) == {"volume_factor"}


def test_a_row_of_the_last_release_is_not_released_again():
    assert "already_released" in failed(judge(accepted(), accepted(start=199, seed=1)))


def test_a_drifted_feature_holds_the_night_and_is_named():
    rows = accepted()
    report = judge(rows.assign(f_size=rows["f_size"] + 2), accepted(start=1000, seed=1))
    assert failed(report) == {"drift"}
    assert "most f_size" in next(r.observed for r in report.results if r.name == "drift")


def test_a_drifted_text_holds_the_night():
    rows = accepted(text=["buy now"] * 200)
    assert failed(judge(rows, accepted(start=1000, seed=1))) == {"drift"}


def test_one_wild_value_hides_no_drift():
    rows = accepted()
    shifted = rows.assign(f_size=rows["f_size"] + 2)
    shifted.loc[0, "f_size"] = 1e12
    assert failed(judge(shifted, accepted(start=1000, seed=1))) == {"drift"}


def test_a_constant_that_moved_fails_and_a_constant_that_stayed_passes():
    before = accepted(start=1000, seed=1).assign(f_size=1.0)
    assert judge(accepted(f_size=1.0), before).ok
    assert failed(judge(accepted(f_size=2.0), before)) == {"drift"}


def test_chance_is_not_discovered_at_the_stated_rate():
    rng = np.random.default_rng(0)

    def noise():
        columns = {f"f_{i}": rng.normal(size=60) for i in range(40)}
        return pd.DataFrame({**columns, "text": pd.Series([None] * 60, dtype="str")})

    nights = [find_drift(noise(), noise(), alpha=0.01, seed=0) for _ in range(50)]
    assert all(night.compared == 40 for night in nights)
    assert sum(night.discovered > 0 for night in nights) <= 3


def test_label_shift_is_the_total_variation_distance():
    assert label_shift(pd.Series(["a", "a", "b"]), pd.Series(["a", "b", "b"])) == pytest.approx(
        1 / 3
    )
    assert label_shift(pd.Series(["a"]), pd.Series(["b"])) == 1
