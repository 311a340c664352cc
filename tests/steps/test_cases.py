"""Quarantined rows become stories: each row in exactly one."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.steps.cases import draft_cases

ACTORS = pd.DataFrame(
    {
        "contributor_id": ["ring1", "ring2", "alone", "other"],
        "actor_id": ["gang", "gang", "alone", "other"],
        "kind": ["campaign", "campaign", "singleton", "singleton"],
        "reason": ["co_visit: 12", "co_visit: 12", "", ""],
    }
)


def verdicts(*lines: tuple[str, str, str, str, float]) -> pd.DataFrame:
    """Lines of contributor, verdict, code, reasons and posterior."""
    columns = ["contributor_id", "verdict", "code", "reasons", "posterior"]
    frame = pd.DataFrame(lines, columns=columns)
    frame["row_id"] = [f"r{i}" for i in range(len(frame))]
    frame["influence_weight"] = 1.0
    who = ACTORS.set_index("contributor_id")["actor_id"]
    return frame.assign(actor_id=frame["contributor_id"].map(who))


def test_rows_are_told_by_the_first_story_that_fits() -> None:
    night = verdicts(
        ("ring1", "quarantined", "evidence", "excess: 3", 0.9),
        ("ring2", "quarantined", "evidence", "excess: 3", 0.9),
        ("ring2", "quarantined", "conflict", "", 0.1),
        ("alone", "quarantined", "evidence", "rule:loud hit | excess: 1", 0.8),
        ("other", "quarantined", "evidence", "excess: 1", 0.7),
        ("other", "accepted", "", "", 0.01),
        ("alone", "rejected", "evidence", "excess: 9", 0.99),
    )
    cases = {case.kind: case for case in draft_cases(night, ACTORS, "2026-01-01")}
    assert {kind: case.rows for kind, case in cases.items()} == {
        "campaign": ("r0", "r1"),
        "held": ("r2",),
        "rule": ("r3",),
        "contributor": ("r4",),
    }
    assert cases["campaign"].title.startswith("2 accounts")
    assert cases["campaign"].reasons[0] == "co_visit: 12"
    assert "loud" in cases["rule"].title
    assert "conflict" in cases["held"].title
    assert cases["campaign"].weight == 2 / 7


def test_a_campaign_that_was_rejected_can_be_judged_whole() -> None:
    night = verdicts(
        ("ring1", "rejected", "evidence", "rule:loud hit | actors: ring", 0.99),
        ("ring2", "quarantined", "evidence", "actors: ring", 0.9),
        ("ring2", "rejected", "label_missing", "", 0.0),
        ("alone", "rejected", "evidence", "excess: 9", 0.99),
    )
    (case,) = draft_cases(night, ACTORS, "2026-01-01")
    assert (case.kind, case.rows) == ("campaign", ("r0", "r1"))
    assert case.title == "2 accounts that act as one, 2 rows, 1 of them rejected"


def test_a_night_without_quarantine_has_no_case() -> None:
    night = verdicts(("alone", "accepted", "", "", 0.0), ("other", "rejected", "x", "", 0.0))
    assert draft_cases(night, ACTORS, "2026-01-01") == []


def test_the_order_of_the_rows_changes_no_digit() -> None:
    shares = (0.8212081882198701, 0.426351895568296, 0.4556763046776523)
    night = verdicts(*(("ring1", "quarantined", "", "", share) for share in shares))
    backwards = night.iloc[::-1]
    assert draft_cases(night, ACTORS, "2026-01-01") == draft_cases(backwards, ACTORS, "2026-01-01")


LINES = st.tuples(
    st.sampled_from(["ring1", "ring2", "alone", "other"]),
    st.sampled_from(["accepted", "downweighted", "quarantined", "rejected"]),
    st.sampled_from(["", "evidence", "conflict", "future_time"]),
    st.sampled_from(["", "rule:a x", "rule:b y | excess: 2", "excess: 2"]),
    st.floats(0, 1),
)


@settings(deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=12))
def test_each_row_for_people_is_in_one_case_and_no_other_row_is(
    lines: list[tuple[str, str, str, str, float]],
) -> None:
    night = verdicts(*lines)
    cases = draft_cases(night, ACTORS, "2026-01-01")
    told = [row for case in cases for row in case.rows]
    merged = (night["actor_id"] == "gang") & (night["code"] == "evidence")
    wanted = (night["verdict"] == "quarantined") | ((night["verdict"] == "rejected") & merged)
    assert sorted(told) == sorted(night.loc[wanted, "row_id"])
    assert len({case.id for case in cases}) == len(cases)
    risks = [case.weight * case.posterior for case in cases]
    assert risks == sorted(risks, reverse=True)
    assert cases == draft_cases(night.sample(frac=1, random_state=1), ACTORS, "2026-01-01")
