from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from foretaste.core.errors import Changed, WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Ledger, Role
from tests.core.ledger.stage import NOW, opened, say

POISON, RELEASE = Judgement.POISON, Judgement.RELEASE
LEAD: dict[str, Any] = {"role": Role.LEAD}
WHOLE = [Judgement.POISON, Judgement.RELEASE, Judgement.APART, Judgement.DOWNWEIGHT]


def undo(ledger: Ledger, vote_id: int | None, by: str = "ann", role: Role = Role.REVIEWER) -> None:
    assert vote_id is not None
    ledger.undo_vote(vote_id, by=by, role=role, at=NOW)


@pytest.mark.parametrize("judgement", WHOLE)
def test_one_person_decides_where_one_is_enough(ledger: Ledger, judgement: Judgement) -> None:
    opened(ledger, "c1")
    said = say(ledger, "c1", judgement, note="why")
    (decision,) = ledger.pending_decisions()
    assert (decision.id, decision.decision, decision.by) == (said.decision_id, judgement, "ann")
    assert (decision.note, decision.case_id, decision.row_id) == ("why", "c1", None)
    assert said.state is ledger.case("c1").state is CaseState.DECIDED
    with pytest.raises(WorkspaceError, match="is decided"):
        say(ledger, "c1", RELEASE, "bob")
    undo(ledger, said.vote_id)
    assert ledger.case("c1").state is CaseState.OPEN
    assert not ledger.decisions()
    assert not ledger.votes("c1")


def test_a_decision_is_undone_by_its_number(ledger: Ledger) -> None:
    opened(ledger, "c1")
    number = say(ledger, "c1", POISON).decision_id
    assert number is not None
    with pytest.raises(WorkspaceError, match="another's"):
        ledger.undo(number, by="bob", at=NOW)
    ledger.undo(number, by="bob", at=NOW, role=Role.LEAD)
    assert ledger.case("c1").state is CaseState.OPEN
    with pytest.raises(WorkspaceError, match="does not wait"):
        ledger.undo(number, by="ann", at=NOW)
    with pytest.raises(WorkspaceError, match="taken back"):
        ledger.mark_applied([number], run_id="r2")


def test_a_decision_waits_and_is_applied_once(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2")
    first = say(ledger, "c1", POISON)
    second = ledger.decide(
        Judgement.RELABEL, by="bob", at=NOW, reason_code="typo", row_id="x", label="ham"
    )
    assert [(d.id, d.label) for d in ledger.pending_decisions()] == [
        (first.decision_id, None), (second, "ham"),
    ]  # fmt: skip
    assert first.decision_id is not None
    ledger.mark_applied([first.decision_id], run_id="r2")
    ledger.mark_applied([first.decision_id], run_id="r2")
    with pytest.raises(WorkspaceError, match="another run"):
        ledger.mark_applied([second, first.decision_id], run_id="r3")
    assert [d.id for d in ledger.pending_decisions()] == [second], "half a batch was applied"
    with pytest.raises(WorkspaceError, match="does not wait"):
        undo(ledger, first.vote_id)
    assert ledger.votes("c1")[0].applied_in == "r2"
    ledger.undo(second, by="bob", at=NOW)
    assert ledger.pending_decisions() == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"label": "ham"}, "belongs to a relabelling"),
        ({"judgement": Judgement.RELABEL}, "belongs to a relabelling"),
        ({"judgement": Judgement.RELABEL, "label": ""}, "belongs to a relabelling"),
        ({"row_id": "c1-0", "contributor_id": "ant"}, "not both"),
        ({"row_id": "c2-0"}, "no such row"),
        ({"contributor_id": "nobody"}, "no such row or contributor"),
        ({"judgement": Judgement.APART, "row_id": "c1-0"}, "no group of accounts"),
        ({"reason_code": "No Code"}, "reason code"),
        ({"note": "x" * 4_001}, "4000 characters"),
        ({"by": "ann+bob"}, "no +"),
        ({"by": ""}, "visible characters"),
        ({"by": "a\nb"}, "visible characters"),
        ({"role": Role.VIEWER}, "viewers look"),
    ],
)
def test_an_opinion_that_makes_no_sense_is_refused(
    ledger: Ledger, more: dict[str, Any], message: str
) -> None:
    opened(ledger, "c1")
    told = {"judgement": POISON, "by": "ann"} | more
    with pytest.raises(WorkspaceError, match=message):
        say(ledger, "c1", **told)
    assert not ledger.votes("c1")
    assert not ledger.decisions()


def test_only_groups_are_taken_apart_and_unknown_cases_are_named(ledger: Ledger) -> None:
    opened(ledger, "c1", kind="rule")
    with pytest.raises(WorkspaceError, match="no group of accounts"):
        say(ledger, "c1", Judgement.APART)
    with pytest.raises(WorkspaceError, match="no case nobody"):
        say(ledger, "nobody", POISON)
    with pytest.raises(WorkspaceError, match="about a case, a row or a contributor"):
        ledger.decide(POISON, by="ann", at=NOW, reason_code="x")


def test_parts_are_decided_beside_the_whole_and_the_last_word_on_each_stands(
    ledger: Ledger,
) -> None:
    opened(ledger, "c1")
    say(ledger, "c1", POISON, row_id="c1-0")
    last = say(ledger, "c1", Judgement.RELABEL, "bob", row_id="c1-0", label="spam")
    say(ledger, "c1", RELEASE, contributor_id="bee")
    assert ledger.case("c1").state is CaseState.OPEN
    whole = say(ledger, "c1", POISON)
    told = [(d.row_id, d.contributor_id, d.decision) for d in ledger.pending_decisions()]
    assert told == [("c1-0", None, "relabel"), (None, "bee", "release"), (None, None, "poison")]
    with pytest.raises(WorkspaceError, match="builds on that one"):
        undo(ledger, last.vote_id, "bob")
    undo(ledger, whole.vote_id)
    undo(ledger, last.vote_id, "bob")
    told = [(d.row_id, d.contributor_id, d.decision) for d in ledger.pending_decisions()]
    assert told == [("c1-0", None, "poison"), (None, "bee", "release")]


def test_a_skip_ends_the_lease_and_nothing_else(ledger: Ledger) -> None:
    opened(ledger, "c1")
    before = ledger.case("c1")
    ledger.lease("c1", by="ann", at=NOW, minutes=20)
    said = say(ledger, "c1", Judgement.SKIP, reason_code="")
    assert (said.vote_id, said.decision_id, said.state) == (None, None, CaseState.OPEN)
    assert ledger.case("c1") == before
    assert ledger.audit_entries(limit=1)[0].action == "skipped"


def test_undo_gives_the_case_back_as_it_was(ledger: Ledger) -> None:
    opened(ledger, "c1")
    ledger.lease("c1", by="ann", at=NOW, minutes=20)
    before = ledger.case("c1")
    said = say(ledger, "c1", POISON, at=NOW + timedelta(minutes=3))
    assert ledger.case("c1").assignee is None
    assert ledger.votes("c1")[0].began == NOW
    undo(ledger, said.vote_id)
    after = ledger.case("c1")
    assert (after.state, after.assignee) == (CaseState.ASSIGNED, "ann")
    assert (after.leased_until, after.leased_at) == (before.leased_until, before.leased_at)
    assert after.version == before.version + 2, "who saw it before is told"


def test_two_people_who_agree_decide_together(ledger: Ledger) -> None:
    opened(ledger, "c1", needs=2)
    first = say(ledger, "c1", POISON)
    assert (first.decision_id, first.state) == (None, CaseState.SECOND)
    assert ledger.pending_decisions() == []
    with pytest.raises(WorkspaceError, match="the first opinion is yours"):
        say(ledger, "c1", POISON)
    second = say(ledger, "c1", POISON, "bob")
    (decision,) = ledger.pending_decisions()
    assert (decision.by, second.state) == ("ann+bob", CaseState.DECIDED)
    assert {one.decision_id for one in ledger.votes("c1")} == {decision.id}
    with pytest.raises(WorkspaceError, match="builds on that one"):
        undo(ledger, first.vote_id)
    undo(ledger, second.vote_id, "bob")
    assert ledger.case("c1").state is CaseState.SECOND
    assert [one.decision_id for one in ledger.votes("c1")] == [None]
    undo(ledger, first.vote_id)
    assert ledger.case("c1").state is CaseState.OPEN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((POISON, {}), (RELEASE, {})),
        ((Judgement.RELABEL, {"label": "a"}), (Judgement.RELABEL, {"label": "b"})),
        ((POISON, {}), (Judgement.ESCALATE, {})),
    ],
)
def test_two_people_who_differ_leave_it_to_a_lead(
    ledger: Ledger, one: tuple[Judgement, dict[str, str]], other: tuple[Judgement, dict[str, str]]
) -> None:
    opened(ledger, "c1", needs=2)
    say(ledger, "c1", one[0], **one[1])
    assert say(ledger, "c1", other[0], "bob", **other[1]).state is CaseState.DISPUTED
    assert ledger.pending_decisions() == []
    with pytest.raises(WorkspaceError, match="a lead decides it"):
        say(ledger, "c1", POISON, "cid")
    with pytest.raises(WorkspaceError, match="another lead decides it"):
        say(ledger, "c1", POISON, "bob", role=Role.ADMIN)
    with pytest.raises(WorkspaceError, match="with the leads already"):
        say(ledger, "c1", Judgement.ESCALATE, "dot", **LEAD)
    settled = say(ledger, "c1", RELEASE, "dot", **LEAD)
    (decision,) = ledger.pending_decisions()
    assert (decision.by, decision.decision) == ("dot", RELEASE)
    undo(ledger, settled.vote_id, "dot")
    assert ledger.case("c1").state is CaseState.DISPUTED


def test_an_escalated_case_waits_for_a_lead(ledger: Ledger) -> None:
    opened(ledger, "c1")
    said = say(ledger, "c1", Judgement.ESCALATE)
    assert (said.state, said.decision_id) == (CaseState.DISPUTED, None)
    undo(ledger, said.vote_id)
    assert ledger.case("c1").state is CaseState.OPEN
    say(ledger, "c1", Judgement.ESCALATE, row_id="c1-0")
    assert say(ledger, "c1", POISON, "dot", row_id="c1-0", **LEAD).state is CaseState.OPEN


def test_an_exception_that_nobody_seconds_is_not_lost(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2", needs=2)
    for name in ("c1", "c2"):
        say(ledger, name, POISON, row_id=f"{name}-0")
        assert say(ledger, name, RELEASE).state is CaseState.SECOND
    assert say(ledger, "c1", RELEASE, "bob").state is CaseState.DISPUTED
    assert say(ledger, "c2", POISON, "bob", row_id="c2-0").decision_id is not None
    assert say(ledger, "c2", RELEASE, "bob").state is CaseState.DECIDED


def test_a_row_of_a_two_person_case_needs_two_and_a_change_of_mind_counts(ledger: Ledger) -> None:
    opened(ledger, "c1", needs=2)
    say(ledger, "c1", POISON, row_id="c1-0")
    say(ledger, "c1", RELEASE, row_id="c1-0")
    assert ledger.pending_decisions() == []
    assert say(ledger, "c1", RELEASE, "bob", row_id="c1-0").decision_id is not None
    assert ledger.case("c1").state is CaseState.OPEN


def test_nobody_judges_what_they_sent(ledger: Ledger) -> None:
    ledger.add_user("ann", Role.ADMIN, at=NOW, by="x", accounts=["bee", "other"])
    opened(ledger, "c1")
    for more in ({}, {"row_id": "c1-0"}):
        with pytest.raises(WorkspaceError, match="contributions of your own"):
            say(ledger, "c1", POISON, role=Role.ADMIN, **more)
    with pytest.raises(WorkspaceError, match="contributions of your own"):
        ledger.lease("c1", by="ann", at=NOW, minutes=5)


def test_who_comes_too_late_is_told_what_happened(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2", needs=2)
    seen = ledger.case("c1").version
    said = say(ledger, "c1", POISON, version=seen)
    with pytest.raises(Changed, match="ann gave an opinion at 2026-01-02 03:04") as refused:
        say(ledger, "c1", RELEASE, "bob", version=seen)
    assert "poison" not in str(refused.value), "the second opinion is blind"
    assert say(ledger, "c1", POISON, "bob", version=said.version).decision_id is not None
    with pytest.raises(Changed, match=r"bob decided it \(poison\)"):
        say(ledger, "c1", RELEASE, "cid", version=seen)


def test_a_second_opinion_is_blind_until_there_are_two(ledger: Ledger) -> None:
    def seen(by: str, role: Role = Role.REVIEWER) -> list[str]:
        return [one.by for one in ledger.votes("c1", seen_by=by, role=role)]

    opened(ledger, "c1", needs=2)
    say(ledger, "c1", POISON)
    assert (seen("ann"), seen("bob"), seen("dot", Role.LEAD)) == (["ann"], [], [])
    say(ledger, "c1", RELEASE, "bob")
    assert (seen("bob"), seen("dot", Role.LEAD)) == (["bob"], ["ann", "bob"])
    say(ledger, "c1", RELEASE, "dot", **LEAD)
    assert seen("bob") == seen("cid", Role.VIEWER) == ["ann", "bob", "dot"]
    ledger.reopen("c1", by="dot", at=NOW, reason="appeal")
    say(ledger, "c1", RELEASE, "eve")
    assert seen("fay") == ["ann", "bob", "dot"], "what was said before is no secret"
    assert len(ledger.votes("c1")) == 4


def test_a_lease_does_not_stop_the_second_opinion(ledger: Ledger) -> None:
    opened(ledger, "c1", needs=2)
    say(ledger, "c1", POISON)
    with pytest.raises(WorkspaceError, match="the first opinion is yours"):
        ledger.lease("c1", by="ann", at=NOW, minutes=20)
    assert ledger.lease("c1", by="bob", at=NOW, minutes=20).state is CaseState.SECOND
    assert say(ledger, "c1", POISON, "cid").state is CaseState.DECIDED


def test_the_same_on_many_is_all_or_nothing(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2", "c3")
    ledger.lease("c3", by="bob", at=NOW, minutes=20)
    told: dict[str, Any] = {"by": "ann", "role": Role.REVIEWER, "at": NOW, "reason_code": "spam"}
    with pytest.raises(WorkspaceError, match="c3 is leased by bob"):
        ledger.vote_all(["c1", "c2", "c3"], POISON, **told)
    assert ledger.pending_decisions() == []
    versions = {"c1": ledger.case("c1").version, "c2": 99}
    with pytest.raises(Changed, match="c2 has changed"):
        ledger.vote_all(["c1", "c2"], POISON, versions=versions, **told)
    made = ledger.vote_all(["c1", "c2", "c1"], POISON, **told)
    assert [one.case_id for one in made] == ["c1", "c2"]
    assert len(ledger.pending_decisions()) == 2


def test_a_preview_tells_what_would_happen_and_why_not(ledger: Ledger) -> None:
    ledger.add_user("ann", Role.REVIEWER, at=NOW, by="x", accounts=["own"])
    opened(ledger, "open", rows=3)
    opened(ledger, "both", needs=2)
    opened(ledger, "mine", people=("own",))
    opened(ledger, "done", "held", "fight")
    opened(ledger, "first", needs=2)
    say(ledger, "done", POISON, "bob")
    say(ledger, "first", POISON)
    say(ledger, "fight", Judgement.ESCALATE, "bob")
    ledger.lease("held", by="bob", at=NOW, minutes=20)
    ids = ["open", "both", "mine", "done", "held", "fight", "first"]
    told = ledger.preview(ids, by="ann", role=Role.REVIEWER, at=NOW)
    assert (told.cases, told.rows, told.contributors, told.needs_second) == (2, 5, 2, 1)
    assert told.weight == 5.0
    assert (told.closed, told.own) == (("done",), ("mine",))
    assert set(told.barred) == {"mine", "done", "held", "fight", "first"}
    assert "lead" in told.barred["fight"]
    made = ledger.vote_all(
        [one for one in ids if one not in told.barred], POISON,
        by="ann", role=Role.REVIEWER, at=NOW, reason_code="spam",
    )  # fmt: skip
    assert sum(ledger.case(one.case_id).size for one in made) == told.rows
    with pytest.raises(WorkspaceError, match="no case nobody"):
        ledger.preview(["nobody"], by="ann", role=Role.REVIEWER)


def test_what_a_run_is_acting_on_is_not_taken_back(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2")
    whole = say(ledger, "c1", POISON)
    part = say(ledger, "c2", POISON, row_id="c2-0")
    assert whole.decision_id is not None
    assert part.decision_id is not None
    ledger.claim([whole.decision_id, part.decision_id], run_id="r1")
    with pytest.raises(WorkspaceError, match="run r1 is applying"):
        undo(ledger, whole.vote_id)
    with pytest.raises(WorkspaceError, match="run r1 is applying"):
        say(ledger, "c2", RELEASE, row_id="c2-0")
    with pytest.raises(WorkspaceError, match="run r1 is applying"):
        ledger.reopen("c1", by="dot", at=NOW, reason="appeal")
    ledger.finish_run("r1", state="failed", exit_code=1, at=NOW)
    undo(ledger, whole.vote_id)
    assert ledger.case("c1").state is CaseState.OPEN


def test_recent_opinions_of_one_person_newest_first(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2", "c3")
    votes = [say(ledger, name, POISON).vote_id for name in ("c1", "c2", "c3")]
    undo(ledger, votes[1])
    assert [one.case_id for one in ledger.votes_by("ann")] == ["c3", "c1"]
    assert [one.case_id for one in ledger.votes_by("ann", 1)] == ["c3"]
    with pytest.raises(WorkspaceError, match="taken back or never given"):
        undo(ledger, votes[1])
    with pytest.raises(WorkspaceError, match="another's"):
        undo(ledger, votes[0], "bob")
    undo(ledger, votes[0], "bob", Role.LEAD)
    assert ledger.case("c1").state is CaseState.OPEN
