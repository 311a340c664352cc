"""Reviews refine how much a detector's word counts, and nobody can play that up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.core.policy import TrackRecord
from foretaste.core.track_record import TRACK_SCHEMA, accusations, advance, trust

POLICY = TrackRecord()
NONE = TRACK_SCHEMA.empty_table().to_pandas()


def accused(*lines: tuple[str, str]) -> pd.DataFrame:
    """Accusations from (row, detector)."""
    return pd.DataFrame(lines, columns=["row_id", "detector"]).assign(night="2026-11-17")


def decided(*lines: tuple[int, str, str]) -> pd.DataFrame:
    """Decisions from (number, row, decision)."""
    return pd.DataFrame(lines, columns=["decision_id", "row_id", "decision"])


def records(*lines: tuple[str, float, float]) -> pd.DataFrame:
    """Records from (detector, confirmed, refuted)."""
    return pd.DataFrame(lines, columns=TRACK_SCHEMA.names)


def test_a_night_remembers_who_spoke_against_what_it_held() -> None:
    evidence = pd.DataFrame(
        [("a", "votes", 5), ("a", "copies", -2), ("b", "votes", 1), ("c", "copies", 4)],
        columns=["row_id", "detector", "llr"],
    )
    found = accusations(evidence, pd.Series(["a", "c"]), "2026-11-17")
    assert found[["row_id", "detector"]].to_numpy().tolist() == [["a", "votes"], ["c", "copies"]]


def test_a_decision_counts_once_however_many_rows_it_is_about() -> None:
    rows = [f"r{i}" for i in range(40)]
    spoke = accused(*((row, "votes") for row in rows), ("r0", "copies"))
    said = decided(*((7, row, "poison") for row in rows))
    found = advance(NONE, spoke, said, POLICY).set_index("detector")
    assert found.loc["votes", "confirmed"] == pytest.approx(1.0)
    assert found.loc["copies", "confirmed"] == pytest.approx(1 / 40)
    assert (found["refuted"] == 0).all()


@pytest.mark.parametrize("decision", ["release", "apart"])
def test_what_people_release_speaks_against_who_accused_it(decision: str) -> None:
    found = advance(NONE, accused(("a", "votes")), decided((1, "a", decision)), POLICY)
    assert found[["confirmed", "refuted"]].to_numpy().tolist() == [[0.0, 1.0]]


def test_taking_weight_away_says_neither() -> None:
    assert advance(NONE, accused(("a", "votes")), decided((1, "a", "downweight")), POLICY).empty


def test_a_record_fades() -> None:
    before = records(("votes", 10.0, 20.0))
    after = advance(before, accused(), decided(), POLICY).set_index("detector")
    assert after.loc["votes", "confirmed"] == pytest.approx(10 * POLICY.forgetting)
    assert after.loc["votes", "refuted"] == pytest.approx(20 * POLICY.forgetting)


def test_who_was_refuted_counts_less_and_who_was_confirmed_not_more() -> None:
    word = trust(records(("good", 90.0, 1.0), ("odd", 5.0, 3.0), ("worse", 4.0, 5.0)), POLICY)
    assert word["good"] == 1.0
    assert word["worse"] < word["odd"] < 1.0
    assert word["worse"] == pytest.approx((12 / 19) / 0.8)


def test_no_number_of_releases_silences_a_detector() -> None:
    assert trust(records(("votes", 0.0, 500.0)), POLICY)["votes"] == POLICY.least


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e3))
def test_trust_is_a_share_and_falls_with_every_refutation(
    right: float, wrong: float, more: float
) -> None:
    low = trust(records(("votes", right, wrong + more)), POLICY)["votes"]
    high = trust(records(("votes", right, wrong)), POLICY)["votes"]
    assert 0.0 < low <= high <= 1.0
