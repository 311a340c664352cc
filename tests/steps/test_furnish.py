"""Cases are furnished once, from whatever nights their rows came in, and within bounds."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from foretaste.core.ledger import Case, CaseState, NewCase
from foretaste.core.policy import Costs, Decision
from foretaste.core.workspace import Workspace
from foretaste.steps.alike import alike
from foretaste.steps.details import threshold
from foretaste.steps.furnish import furnish, influence, minutes
from tests.views.judged import AT, BIDI, CASE, NIGHTS, RING, rows_of

NOW = datetime(2026, 1, 3, 3, tzinfo=UTC)


def test_a_case_gets_its_rows_its_story_and_its_worth(judged: Workspace) -> None:
    assert furnish(judged, NOW) == 1
    with judged.ledger() as ledger:
        case, rows = ledger.case(CASE), ledger.rows_of(CASE)
        assert ledger.unfurnished() == []
    assert {row.row_id for row in rows} == set(rows_of(NIGHTS[1])[2:])
    mallory = judged.key.pseudonym("contributor", "mallory")
    assert {row.contributor_id for row in rows} == {mallory}
    assert {(row.label, row.actor_id, row.text, row.item_id) for row in rows} == {
        ("spam", RING, BIDI, "pushed")
    }
    said = {line["detector"]: line["nats"] for line in rows[0].evidence}
    assert said["contributor_excess"] == pytest.approx(4.5)
    assert said["outliers"] == pytest.approx(-0.3)
    details = case.details
    assert details["labels"] == {"spam": 2}
    assert sum(one["rows"] for one in details["timeline"]["bins"]) == 2
    (before,) = details["before"]
    assert (before["contributor"], before["nights"], before["rows"]) == (mallory, 1, 2)
    assert (before["accepted"], before["held"]) == (0, 2)
    ties = {(edge["a"], edge["b"]) for edge in details["graph"]["edges"]}
    alice = judged.key.pseudonym("contributor", "alice")
    assert {frozenset(tie) for tie in ties} == {frozenset((alice, mallory))}
    assert case.needs == 2, "two rows of four are a lot of a night's weight"
    assert case.deadline == AT + timedelta(days=judged.policy.review.deadline_days)
    assert case.contributors == 1
    assert case.influence == pytest.approx(case.weight * case.posterior / case.minutes)


def test_furnishing_again_changes_nothing(judged: Workspace) -> None:
    furnish(judged, NOW)
    with judged.ledger() as ledger:
        before, head = ledger.case(CASE), ledger.audit_head()
    assert furnish(judged, NOW + timedelta(days=1)) == 0
    with judged.ledger() as ledger:
        assert ledger.case(CASE) == before
        assert ledger.audit_head() == head


def test_a_night_whose_run_folder_is_gone_is_read_from_its_release(judged: Workspace) -> None:
    shutil.rmtree(judged.layout.runs)
    furnish(judged, NOW)
    with judged.ledger() as ledger:
        rows = ledger.rows_of(CASE)
    assert all(0 < row.posterior < 1 for row in rows)
    assert {line["detector"] for line in rows[0].evidence} >= {"contributor_excess", "rules"}


def test_rows_of_several_nights_and_rows_that_are_gone(judged: Workspace) -> None:
    rows = (rows_of(NIGHTS[0])[0], rows_of(NIGHTS[1])[3], "gone")
    case = NewCase("c0ffee00000a", "bisect", "2 actors", 0.4, 0.9, ("bisect: x",), rows)
    lost = NewCase("c0ffee00000b", "withdrawn", "1 row", 0.4, 0.5, (), ("gone",))
    with judged.ledger() as ledger:
        ledger.open_cases([case, lost], run_id=f"run-{NIGHTS[1]}", night=NIGHTS[1], at=AT)
    assert furnish(judged, NOW) == 3
    with judged.ledger() as ledger:
        furnished = ledger.rows_of(case.id)
        assert ledger.case(lost.id).state is CaseState.OPEN
        assert ledger.case(lost.id).details["story"]
    assert {row.row_id for row in furnished if row.contributor_id} == set(rows[:2])
    assert {row.verdict for row in furnished} >= {"accepted"}


def test_details_are_bounded_however_large_a_case_is(judged: Workspace) -> None:
    furnish(judged, NOW)
    with judged.ledger() as ledger:
        assert len(json.dumps(dict(ledger.case(CASE).details))) < 100_000


def test_reading_takes_longer_with_more_to_read_and_never_for_ever() -> None:
    def case(rows: int, chars: int) -> list[dict[str, str]]:
        return [{"text": "x" * chars}] * rows

    assert minutes(case(1, 10)) < minutes(case(1, 1_000)) < minutes(case(5, 1_000))
    assert minutes(case(100_000, 20)) == minutes(case(20, 20))
    assert minutes(case(1_000, 20_000)) < 60
    assert minutes(case(0, 0)) == pytest.approx(0.5)
    assert minutes([{"text": None}]) > minutes(case(0, 0))


def test_the_queue_prefers_what_moves_the_model_most_per_minute() -> None:
    def case(weight: float, posterior: float) -> Case:
        return Case(
            "c", "r", "n", "rule", "t", CaseState.OPEN, 1, weight, posterior, (), None
        )  # fmt: skip

    assert influence(case(0.2, 0.9), 2.0) > influence(case(0.2, 0.9), 4.0)
    assert influence(case(0.2, 0.9), 2.0) > influence(case(0.1, 0.9), 2.0)
    assert influence(case(0.2, 0.9), 2.0) > influence(case(0.2, 0.5), 2.0)


def test_the_threshold_is_where_holding_becomes_the_cheapest() -> None:
    costs = Costs()
    p = 1 / (1 + np.exp(-threshold(Decision())))
    let_in = min(
        p * costs.poison_accepted,
        (1 - p) * costs.honest_downweighted + p * costs.poison_downweighted,
    )
    held = (1 - p) * costs.honest_quarantined + p * costs.poison_quarantined
    assert held == pytest.approx(let_in, rel=0.01)
    cautious = Decision(costs=Costs(honest_quarantined=0.4))
    assert threshold(cautious) < threshold(Decision())


def test_the_nearest_accepted_rows_are_shown_and_never_the_row_itself() -> None:
    accepted = pd.DataFrame(
        {
            "row_id": ["a", "b", "held"],
            "label": ["ham", "spam", "ham"],
            "text": ["meet me for lunch today", "buy cheap pills now", "buy cheap pills today"],
        }
    )
    held = accepted[accepted["row_id"] == "held"].set_index("row_id")
    (found,) = alike(held, accepted.iloc[:2]).values()
    assert "held" not in {one["row_id"] for one in alike(held, accepted)["held"][:2]}
    assert [one["row_id"] for one in found] == ["b", "a"]
    numbers = pd.DataFrame({"row_id": ["a", "b"], "label": ["x", "y"], "f_n": [0.0, 10.0]})
    near = alike(pd.DataFrame({"f_n": [9.0]}, index=["held"]), numbers)["held"]
    assert [one["row_id"] for one in near] == ["b", "a"]
    assert alike(held, accepted.iloc[:0]) == {}
