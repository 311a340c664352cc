"""Many cases at once: a preview that tells what happens, all or nothing, and undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.core.ledger import CaseState, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from tests.review import seat


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seat.staged(tmp_path_factory.mktemp("staged"), 60)


@pytest.fixture
def desk(workspace: Workspace, staged: Path) -> Iterator[Desk]:
    with seat.desk_on(workspace, staged) as opened:
        yield opened


def hidden(page: str, name: str) -> str:
    """Read a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def chosen(desk: Desk, count: int) -> list[str]:
    cases = desk.ledger.queue(Query(per=100)).items
    return [case.id for case in cases if case.needs == 1][:count]


def test_the_preview_tells_exactly_what_happens(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    page = ann.post("/bulk/preview", {"which": "all", "query": "kind=contributor"}, 200).text
    cases = desk.ledger.queue(Query(kind="contributor", per=100)).items
    rows = sum(case.size for case in cases)
    second = sum(case.needs == 2 for case in cases)

    assert f'data-count="rows">{rows:,}<' in page
    assert f"Decide about {len(cases)} cases" in page
    assert desk.ledger.pending_decisions() == []

    form = {"cases": hidden(page, "cases"), "judgement": "poison", "reason_code": "spam"}
    done = ann.post("/bulk/decide", form, 200).text
    decided = [desk.ledger.case(case.id) for case in cases]
    assert sum(case.state == CaseState.DECIDED for case in decided) == len(cases) - second
    assert sum(case.state == CaseState.SECOND for case in decided) == second
    assert {one.reason_code for one in desk.ledger.pending_decisions()} == {"spam"}
    assert f"Undo all {len(cases)}" in done


def test_all_of_it_is_taken_back(desk: Desk) -> None:
    ann, ids = seat.sit(desk, "ann"), chosen(desk, 5)
    before = [(desk.ledger.case(one).state, desk.ledger.case(one).assignee) for one in ids]
    page = ann.post("/bulk/preview", {"which": "selected", "case": ids}, 200).text
    form = {"cases": hidden(page, "cases"), "judgement": "release", "reason_code": "ordinary"}
    done = ann.post("/bulk/decide", form, 200).text

    said = ann.post("/bulk/undo", {"votes": hidden(done, "votes")}, 200).text
    assert "5 decisions taken back" in said
    assert desk.ledger.pending_decisions() == []
    after = [(desk.ledger.case(one).state, desk.ledger.case(one).assignee) for one in ids]
    assert after == before
    again = ann.post("/bulk/undo", {"votes": hidden(done, "votes")}, 200).text
    assert "0 decisions taken back" in again


def test_what_changed_after_the_preview_stops_all_of_it(desk: Desk) -> None:
    ann, bob, ids = seat.sit(desk, "ann"), seat.sit(desk, "bob"), chosen(desk, 4)
    page = ann.post("/bulk/preview", {"which": "selected", "case": ids}, 200).text
    bob.decide(ids[2], "release")

    form = {"cases": hidden(page, "cases"), "judgement": "poison", "reason_code": "spam"}
    again = ann.post("/bulk/decide", form, 409).text
    assert "bob decided it (release)" in again
    assert [one.by for one in desk.ledger.pending_decisions()] == ["bob"]
    assert "1 of the chosen cases" in again
    form["cases"] = hidden(again, "cases")
    ann.post("/bulk/decide", form, 200)
    assert len(desk.ledger.pending_decisions()) == 4


def test_cases_that_are_not_theirs_to_decide_are_left_out_and_named(desk: Desk) -> None:
    ids = chosen(desk, 4)
    own = desk.ledger.rows_of(ids[0])[0].contributor_id
    ann, bob = seat.sit(desk, "ann", accounts=(own,)), seat.sit(desk, "bob")
    bob.get(f"/cases/{ids[1]}")
    bob.decide(ids[2], "poison")

    page = ann.post("/bulk/preview", {"which": "selected", "case": ids}, 200).text
    assert "3 of the chosen cases" in page
    assert "concerns contributions of your own" in page
    assert "is leased by bob" in page
    assert "is decided" in page
    assert hidden(page, "cases").startswith(f"{ids[3]}:")
    assert "," not in hidden(page, "cases")


@pytest.mark.parametrize(
    "form",
    [
        {"judgement": "", "reason_code": "spam"},
        {"judgement": "poison", "reason_code": ""},
        {"judgement": "escalate", "reason_code": "spam"},
        {"judgement": "relabel", "reason_code": "spam"},
    ],
)
def test_a_bulk_decision_needs_all_that_a_decision_needs(desk: Desk, form: dict[str, str]) -> None:
    ann, ids = seat.sit(desk, "ann"), chosen(desk, 2)
    sealed = ",".join(f"{one}:{desk.ledger.case(one).version}" for one in ids)

    page = ann.post("/bulk/decide", {"cases": sealed, **form}, 400).text
    assert 'role="alert"' in page
    assert hidden(page, "cases") == sealed
    assert desk.ledger.pending_decisions() == []


@pytest.mark.parametrize("cases", ["", "x", "x:y", ",,", "a:99999999999999999999"])
def test_only_previewed_cases_are_decided(desk: Desk, cases: str) -> None:
    form = {"cases": cases, "judgement": "poison", "reason_code": "spam"}
    seat.sit(desk, "ann").post("/bulk/decide", form, 400)


def test_there_is_a_limit_to_what_one_decision_touches(desk: Desk) -> None:
    desk = seat.with_policy(desk, bulk_rows=10)
    ann = seat.sit(desk, "ann")

    page = ann.post("/bulk/preview", {"which": "all", "query": ""}, 400).text
    assert "at most 10 rows" in page
    ann.post("/bulk/preview", {"which": "selected"}, 400)
    sealed = ",".join(f"{one}:{desk.ledger.case(one).version}" for one in chosen(desk, 30))
    form = {"cases": sealed, "judgement": "poison", "reason_code": "spam"}
    ann.post("/bulk/decide", form, 400)
    assert desk.ledger.pending_decisions() == []


def test_viewers_see_no_bulk_pages_and_reloads_lead_back(desk: Desk) -> None:
    vic, ann = seat.sit(desk, "vic", Role.VIEWER), seat.sit(desk, "ann")

    vic.post("/bulk/preview", {"which": "all", "query": ""}, 403)
    assert ann.client.get("/bulk/preview").headers["location"] == "/queue"
