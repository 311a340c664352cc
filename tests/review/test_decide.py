"""Decisions: what they write down, what comes next, and taking them back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from foretaste.core.ledger import CaseState, Judgement, Query, Role
from foretaste.core.workspace import Workspace
from foretaste.review.desk import Desk
from tests.review import seat


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seat.staged(tmp_path_factory.mktemp("staged"))


@pytest.fixture
def desk(workspace: Workspace, staged: Path) -> Iterator[Desk]:
    with seat.desk_on(workspace, staged) as opened:
        yield opened


def test_a_decision_is_written_and_the_next_case_loads(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    case, following = [c for c in desk.ledger.queue(Query()).items if c.needs == 1][:2]
    ann.get(f"/cases/{case.id}")
    version = desk.ledger.case(case.id).version

    answer = ann.decide(case.id, "poison", version=version, note="as last week")

    (decision,) = desk.ledger.pending_decisions()
    assert (decision.decision, decision.by, decision.note) == ("poison", "ann", "as last week")
    there = answer.headers["location"]
    first = next(c.id for c in desk.ledger.queue(Query()).items)
    assert urlsplit(there).path == f"/cases/{first}"
    assert following.id in [c.id for c in desk.ledger.queue(Query()).items]
    page = ann.get(there)
    assert "You said <strong>poison</strong>" in page
    assert "The next run applies it" in page
    assert 'data-action="undo"' in page


def test_undo_brings_the_case_back_as_it_was(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    there = ann.decide(case.id, "release").headers["location"]
    vote = parse_qs(urlsplit(there).query)["done"][0]

    back = ann.post(f"/votes/{vote}/undo", {"case": case.id})

    assert back.headers["location"] == f"/cases/{case.id}"
    assert desk.ledger.case(case.id).state == CaseState.OPEN
    assert desk.ledger.pending_decisions() == []
    assert "You said" not in ann.get(there)


def test_a_decision_that_was_applied_cannot_be_taken_back(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    there = ann.decide(case.id, "release").headers["location"]
    vote = parse_qs(urlsplit(there).query)["done"][0]
    (decision,) = desk.ledger.pending_decisions()
    desk.ledger.mark_applied([decision.id], run_id="run-2026-03-05")

    assert "You said" not in ann.get(there)
    ann.post(f"/votes/{vote}/undo", {"case": case.id}, 409)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"judgement": ""}, "say first what these rows are"),
        ({"judgement": "destroy"}, "say first what these rows are"),
        ({"reason_code": ""}, "needs one of the reasons"),
        ({"reason_code": "because"}, "needs one of the reasons"),
        ({"judgement": "relabel"}, "needs a label"),
    ],
)
def test_a_decision_that_says_too_little_is_shown_again(
    desk: Desk, form: dict[str, str], words: str
) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk)
    told = {"judgement": "poison", "reason_code": "campaign", "note": "kept & shown", **form}

    page = ann.post(f"/cases/{case.id}/decide", told, 400).text

    assert words in page
    assert "kept &amp; shown" in page
    assert desk.ledger.votes(case.id) == []


def test_relabelling_names_a_label_that_the_policy_knows(desk: Desk) -> None:
    label = desk.policy.label.model_copy(update={"values": ("ham", "spam")})
    object.__setattr__(desk, "policy", desk.policy.model_copy(update={"label": label}))
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)

    assert "label that the policy allows" in ann.decide(case.id, "relabel", 400, label="eggs").text
    ann.decide(case.id, "relabel", label="spam")
    (decision,) = desk.ledger.pending_decisions()
    assert (decision.decision, decision.label) == ("relabel", "spam")


def test_two_people_judge_apart_and_agree(desk: Desk) -> None:
    ann, bob = seat.sit(desk, "ann"), seat.sit(desk, "bob")
    case = seat.one(desk, needs=2)
    there = ann.decide(case.id, "poison", note="the zephyr phrase").headers["location"]

    assert "Another person must agree" in ann.get(there)
    page = bob.get(f"/cases/{case.id}")
    assert "theirs is not shown" in page
    assert "zephyr phrase" not in page
    assert not re.search(r"\bann\b", page)
    bob.decide(case.id, "poison", note="same here")
    (decision,) = desk.ledger.pending_decisions()
    assert decision.by == "ann+bob"
    assert desk.ledger.case(case.id).state == CaseState.DECIDED
    assert "zephyr phrase" in bob.get(f"/cases/{case.id}")


def test_a_lead_settles_what_two_see_differently(desk: Desk) -> None:
    ann, bob = seat.sit(desk, "ann"), seat.sit(desk, "bob")
    lea = seat.sit(desk, "lea", Role.LEAD)
    case = seat.one(desk, needs=2)
    ann.decide(case.id, "poison", note="the first view")
    bob.decide(case.id, "release", note="the second view")

    assert desk.ledger.case(case.id).state == CaseState.DISPUTED
    assert "a lead decides" in seat.sit(desk, "cid").get(f"/cases/{case.id}")
    page = lea.get(f"/cases/{case.id}")
    assert "The opinions differ" in page
    assert "the first view" in page
    assert "the second view" in page
    assert 'value="escalate"' not in page
    lea.decide(case.id, "downweight")
    (decision,) = desk.ledger.pending_decisions()
    assert (decision.decision, decision.by) == ("downweight", "lea")


def test_the_second_of_two_is_told_what_changed(desk: Desk) -> None:
    ann, bob, case = seat.sit(desk, "ann"), seat.sit(desk, "bob"), seat.one(desk, needs=1)
    seen = case.version
    ann.decide(case.id, "poison")

    page = bob.decide(case.id, "release", 409, version=seen, note="my own view").text

    assert "changed since you saw it: ann decided it (poison)" in page
    assert desk.ledger.pending_decisions()[0].by == "ann"


def test_an_open_case_is_kept_for_who_opened_it_first(desk: Desk) -> None:
    ann, bob, case = seat.sit(desk, "ann"), seat.sit(desk, "bob"), seat.one(desk, needs=1)
    ann.get(f"/cases/{case.id}")

    page = bob.get(f"/cases/{case.id}")
    assert "ann has it open until 09:50 UTC" in page
    assert 'id="decision"' not in page
    bob.decide(case.id, "release", 409)
    assert bob.client.get("/next").headers["location"] != f"/cases/{case.id}"
    desk.now.forward(minutes=21)  # type: ignore[attr-defined]
    bob.decide(case.id, "release")


def test_chosen_rows_are_decided_and_the_case_stays(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1, size=3)
    rows = [row.row_id for row in desk.ledger.rows_of(case.id)[:2]]
    ann.get(f"/cases/{case.id}")
    version = desk.ledger.case(case.id).version

    answer = ann.decide(case.id, "release", row_id=rows, version=version)

    assert urlsplit(answer.headers["location"]).path == f"/cases/{case.id}"
    assert [one.row_id for one in desk.ledger.pending_decisions()] == rows
    assert desk.ledger.case(case.id).state == CaseState.ASSIGNED


def test_one_account_of_a_case_is_decided(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, "campaign", needs=1)
    (account, rows, _), *_ = desk.ledger.contributors_of(case.id)

    page = ann.get(f"/cases/{case.id}?contributor={account}")
    assert f"this account&#39;s {rows} row" in page or f"this account's {rows} row" in page
    ann.decide(case.id, "release", contributor_id=account)
    (decision,) = desk.ledger.pending_decisions()
    assert (decision.contributor_id, decision.row_id) == (account, None)


def test_skipping_says_nothing_and_moves_on(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    first, second = [c.id for c in desk.ledger.queue(Query()).items][:2]
    ann.get(f"/cases/{first}")

    there = ann.decide(first, "skip", reason_code="").headers["location"]

    assert urlsplit(there).path == f"/cases/{second}"
    passed = parse_qs(urlsplit(there).query)["passed"][0]
    again = ann.decide(second, "skip", reason_code="", passed=passed).headers["location"]
    assert urlsplit(again).path not in (f"/cases/{first}", f"/cases/{second}")
    assert desk.ledger.votes(first) == []
    assert desk.ledger.case(first).state == CaseState.OPEN


def test_only_campaigns_can_be_told_apart(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    group, alone = seat.one(desk, "campaign", needs=1), seat.one(desk, "contributor", needs=1)

    assert 'value="apart"' in ann.get(f"/cases/{group.id}")
    assert 'value="apart"' not in ann.get(f"/cases/{alone.id}")
    ann.decide(group.id, "apart")
    ann.decide(alone.id, "apart", 409)


def test_known_cases_come_and_look_like_any_other(desk: Desk) -> None:
    desk = seat.with_policy(desk, gold_share=1.0)
    lea, bob = seat.sit(desk, "lea", Role.LEAD), seat.sit(desk, "bob")
    case = seat.one(desk, "contributor", needs=1)
    lea.decide(case.id, "poison")
    lea.post(f"/cases/{case.id}/gold", {"truth": "poison"})
    gold = desk.ledger.due_gold("bob")
    assert gold is not None

    other = seat.one(desk, "campaign", needs=1)
    there = bob.decide(other.id, "release").headers["location"]
    assert urlsplit(there).path == f"/cases/{gold}"
    page = bob.get(there)
    assert "gold" not in page
    after = bob.decide(gold, "poison").headers["location"]
    assert "The next run applies it" in bob.get(after)
    assert [one.by for one in desk.ledger.pending_decisions()] == ["lea", "bob"]
    (told,) = [one for one in desk.ledger.reliability() if one.user == "bob"]
    assert (told.gold_right, told.gold_seen) == (1, 1)


def test_only_leads_make_known_cases(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    ann.decide(case.id, "poison")

    assert "Use as a test case" not in ann.get(f"/cases/{case.id}")
    ann.post(f"/cases/{case.id}/gold", {"truth": "poison"}, 403)


def test_an_appeal_reopens_a_decided_case(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    ann.decide(case.id, "poison")

    assert "a contributor appealed" in ann.get(f"/cases/{case.id}")
    ann.post(f"/cases/{case.id}/reopen", {"reason": ""}, 400)
    ann.post(f"/cases/{case.id}/reopen", {"reason": "appeal"})
    assert desk.ledger.case(case.id).state == CaseState.OPEN


def test_leads_take_back_what_others_said(desk: Desk) -> None:
    ann, bob = seat.sit(desk, "ann"), seat.sit(desk, "bob")
    lea, case = seat.sit(desk, "lea", Role.LEAD), seat.one(desk, needs=1)
    ann.decide(case.id, "poison")
    (vote,) = desk.ledger.votes(case.id)

    bob.post(f"/votes/{vote.id}/undo", {"case": case.id}, 409)
    assert f"/votes/{vote.id}/undo" in lea.get(f"/cases/{case.id}")
    lea.post(f"/votes/{vote.id}/undo", {"case": case.id})
    assert desk.ledger.case(case.id).state == CaseState.OPEN


def test_what_somebody_said_last_is_listed_and_taken_back(desk: Desk) -> None:
    ann, bob, case = seat.sit(desk, "ann"), seat.sit(desk, "bob"), seat.one(desk, needs=1)
    assert "Nothing yet" in ann.get("/recent")
    ann.decide(case.id, "poison", note="so it is")
    (vote,) = desk.ledger.votes(case.id)

    assert "so it is" in ann.get("/recent")
    assert f"/votes/{vote.id}/undo" in ann.get("/recent")
    assert "so it is" not in bob.get("/recent")
    form = {"case": case.id, "queue": "kind=rule"}
    back = ann.post(f"/votes/{vote.id}/undo", form).headers["location"]
    assert back == f"/cases/{case.id}?queue=kind%3Drule"
    assert "Nothing yet" in ann.get("/recent")


def test_undo_leads_nowhere_but_to_a_case(desk: Desk) -> None:
    ann, case = seat.sit(desk, "ann"), seat.one(desk, needs=1)
    ann.decide(case.id, "poison")
    (vote,) = desk.ledger.votes(case.id)

    there = ann.post(f"/votes/{vote.id}/undo", {"case": "../../evil.example//"}).headers["location"]
    assert there == "/cases/..%2F..%2Fevil.example%2F%2F"


def test_every_judgement_is_offered_and_kept(desk: Desk) -> None:
    ann = seat.sit(desk, "ann")
    for judgement in ("poison", "release", "downweight", "escalate"):
        case = seat.one(desk, needs=1)
        assert f'value="{judgement}"' in ann.get(f"/cases/{case.id}")
        ann.decide(case.id, judgement)
        (vote,) = desk.ledger.votes(case.id)
        assert vote.judgement == Judgement(judgement)
        desk.ledger.undo_vote(vote.id, by="ann", role=Role.REVIEWER, at=desk.now())
