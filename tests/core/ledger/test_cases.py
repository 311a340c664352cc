from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Ledger, Role
from tests.core.ledger.stage import NIGHT, NOW, WEEK, case, furnishing, opened, say


def test_cases_come_most_suspicious_first_and_open_once(ledger: Ledger) -> None:
    found = [case("small"), case("large", rows=6_001), case("doubtful", 9_000, posterior=0.1)]
    assert ledger.open_cases(found, run_id="r1", night=NIGHT, at=NOW) == 3
    assert ledger.open_cases(found, run_id="r1", night=NIGHT, at=NOW) == 0
    assert [one.id for one in ledger.cases()] == ["large", "doubtful", "small"]
    assert ledger.case("large").size == 6_001
    assert len(set(ledger.case_rows("large"))) == 6_001
    assert ledger.case("small").reasons == ("burst",)
    assert ledger.case("small").opened == NOW
    assert ledger.cases(CaseState.DECIDED) == []
    with pytest.raises(WorkspaceError, match="no case nobody"):
        ledger.case("nobody")


def test_furnishing_writes_what_a_case_shows_once(ledger: Ledger) -> None:
    ledger.open_cases([case("c1", 3), case("c2")], run_id="r1", night=NIGHT, at=NOW)
    assert [one.id for one in ledger.unfurnished()] == ["c1", "c2"]
    given = furnishing("c1", 3, needs=2)
    assert ledger.furnish([given], at=NOW) == 1
    other = replace(given, needs=1, rows=given.rows[:1])
    assert ledger.furnish([other], at=NOW) == 0, "people have seen the first"
    assert [one.id for one in ledger.unfurnished()] == ["c2"]
    one = ledger.case("c1")
    assert (one.needs, one.deadline, one.minutes) == (2, WEEK, 2.0)
    assert one.details == {"story": ["It is about c1."]}
    assert ledger.rows_of("c1", order="row") == list(given.rows)
    with pytest.raises(WorkspaceError, match="no case nobody"):
        ledger.furnish([furnishing("nobody")], at=NOW)


def test_rows_that_nobody_furnished_stay_in_their_case(ledger: Ledger) -> None:
    ledger.open_cases([case("c1", 3)], run_id="r1", night=NIGHT, at=NOW)
    ledger.furnish([replace(furnishing("c1", 3), rows=furnishing("c1", 3).rows[:2])], at=NOW)
    assert ledger.case_rows("c1") == ["c1-0", "c1-1", "c1-2"]


@pytest.mark.parametrize(
    ("order", "first"),
    [("posterior", "c1-4"), ("weight", "c1-4"), ("time", "c1-4"), ("contributor", "c1-0"),
     ("row", "c1-0"), ("'; DROP TABLE cases", "c1-4")],
)  # fmt: skip
def test_rows_come_in_the_order_asked_for_and_by_page(
    ledger: Ledger, order: str, first: str
) -> None:
    opened(ledger, "c1", rows=5)
    rows = ledger.rows_of("c1", order=order)
    assert rows[0].row_id == first
    parts = [ledger.rows_of("c1", order=order, offset=n, limit=2) for n in (0, 2, 4)]
    assert [row for part in parts for row in part] == rows
    assert ledger.row_count("c1") == 5


def test_rows_of_one_contributor_and_who_sent_how_many(ledger: Ledger) -> None:
    opened(ledger, "c1", rows=5)
    mine = ledger.rows_of("c1", contributor="bee")
    assert {row.contributor_id for row in mine} == {"bee"}
    assert ledger.row_count("c1", "bee") == len(mine) == 2
    (ant, rows, mean), (bee, fewer, _) = ledger.contributors_of("c1")
    assert (ant, rows, bee, fewer) == ("ant", 3, "bee", 2)
    assert mean == pytest.approx(0.7)


def test_long_texts_are_cut_in_lists_and_whole_alone(ledger: Ledger) -> None:
    opened(ledger, "c1", texts={"c1-0": "x" * 5_000})
    first = next(row for row in ledger.rows_of("c1", letters=7) if row.row_id == "c1-0")
    assert first.text == "x" * 7
    assert ledger.row("c1", "c1-0").text == "x" * 5_000
    with pytest.raises(WorkspaceError, match="no such row"):
        ledger.row("c1", "c2-0")


@pytest.mark.parametrize(
    "hostile", ["a\0b", "\ud800", "'; DROP TABLE cases; --", "\u202e⟦", chr(0x1D518) * 9]
)
def test_hostile_words_are_kept_such_that_every_database_takes_them(
    ledger: Ledger, hostile: str
) -> None:
    given = furnishing("c1", 1, texts={"c1-0": hostile}, labels=[hostile])
    row = replace(given.rows[0], item_id=hostile, content={hostile: float("nan"), "x": [hostile]})
    ledger.open_cases([replace(case("c1", 1), title=hostile)], run_id="r1", night=NIGHT, at=NOW)
    ledger.furnish([replace(given, rows=(row,), details={"story": [hostile]})], at=NOW)
    kept = hostile.replace("\0", "\ufffd").replace("\ud800", "?")
    (found,) = ledger.rows_of("c1")
    assert (found.text, found.label, found.item_id) == (kept, kept, kept)
    assert ledger.case("c1").title == kept
    assert found.content[hostile] is None
    assert ledger.audit_verify() is None


def test_other_cases_of_the_same_hands_and_things(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2", people=("ant",))
    opened(ledger, "c3", people=("bee",), night="2026-01-02")
    assert [one.id for one in ledger.same(contributor="ant")] == ["c1", "c2"]
    assert [one.id for one in ledger.same(contributor="ant", not_case="c1")] == ["c2"]
    assert [one.id for one in ledger.same(subnet="net-bee")] == ["c3"]
    assert [one.id for one in ledger.same(item="item-0", limit=2)] == ["c3", "c1"]
    assert ledger.same() == []


def test_a_lease_keeps_others_out_until_it_ends(ledger: Ledger) -> None:
    opened(ledger, "c1")
    taken = ledger.lease("c1", by="ann", at=NOW, minutes=20)
    assert (taken.state, taken.assignee) == (CaseState.ASSIGNED, "ann")
    assert taken.leased_until == NOW + timedelta(minutes=20)
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=20)
    with pytest.raises(WorkspaceError, match="leased by ann until 2026-01-02 03:24"):
        ledger.lease("c1", by="bob", at=soon, minutes=20)
    with pytest.raises(WorkspaceError, match="leased by ann"):
        say(ledger, "c1", Judgement.POISON, "bob", at=soon)
    assert ledger.lease("c1", by="bob", at=later, minutes=20).assignee == "bob"


def test_a_lease_grows_when_half_of_it_is_over_and_remembers_its_start(ledger: Ledger) -> None:
    opened(ledger, "c1")
    ledger.lease("c1", by="ann", at=NOW, minutes=20)
    lines = ledger.audit_head()
    ledger.lease("c1", by="ann", at=NOW + timedelta(minutes=5), minutes=20)
    assert ledger.audit_head() == lines, "no news"
    ledger.lease("c1", by="ann", at=NOW + timedelta(minutes=15), minutes=20)
    now = ledger.case("c1")
    assert now.leased_until == NOW + timedelta(minutes=35)
    assert now.leased_at == NOW


def test_a_lease_is_given_back_by_whom_it_is(ledger: Ledger) -> None:
    opened(ledger, "c1")
    ledger.lease("c1", by="ann", at=NOW, minutes=20)
    ledger.release_lease("c1", by="bob", at=NOW)
    assert ledger.case("c1").assignee == "ann"
    ledger.release_lease("c1", by="ann", at=NOW)
    now = ledger.case("c1")
    assert (now.state, now.assignee, now.leased_until) == (CaseState.OPEN, None, None)


def test_an_assigned_case_may_still_be_taken_by_others(ledger: Ledger) -> None:
    opened(ledger, "c1")
    ledger.assign("c1", to="ann", by="lead", at=NOW)
    assert (ledger.case("c1").state, ledger.case("c1").assignee) == (CaseState.ASSIGNED, "ann")
    assert ledger.lease("c1", by="bob", at=NOW, minutes=1).assignee == "bob"
    say(ledger, "c1", Judgement.POISON, "bob")
    with pytest.raises(WorkspaceError, match="is decided"):
        ledger.lease("c1", by="ann", at=NOW, minutes=1)


def test_cases_whose_deadline_is_over_expire_unless_decided_or_worked_on(ledger: Ledger) -> None:
    opened(ledger, "waits", "done", "held")
    opened(ledger, "second", needs=2)
    opened(ledger, "later", deadline=WEEK + timedelta(days=1))
    ledger.open_cases([case("bare")], run_id="r1", night=NIGHT, at=NOW)
    say(ledger, "done", Judgement.POISON)
    say(ledger, "second", Judgement.RELEASE)
    ledger.lease("held", by="ann", at=WEEK, minutes=20)
    assert ledger.expire_due(WEEK - timedelta(seconds=1)) == []
    over = ledger.expire_due(WEEK)
    assert {one.id: one.state for one in over} == dict.fromkeys(
        ("waits", "second"), CaseState.EXPIRED
    )
    assert ledger.expire_due(WEEK) == []
    with pytest.raises(WorkspaceError, match="is expired"):
        say(ledger, "waits", Judgement.POISON)
    assert [one.id for one in ledger.expire_due(WEEK + timedelta(hours=1))] == ["held"]
    assert ledger.pending_decisions()[0].case_id == "done"
    assert len(ledger.pending_decisions()) == 1, "one opinion of two decides nothing"


def test_a_decision_that_was_applied_is_reversed_by_a_new_one(ledger: Ledger) -> None:
    opened(ledger, "c1")
    first = say(ledger, "c1", Judgement.POISON).decision_id
    assert first is not None
    ledger.mark_applied([first], run_id="r1")
    ledger.reopen("c1", by="lead", at=NOW + timedelta(days=9), reason="appeal")
    now = ledger.case("c1")
    assert (now.state, now.deadline) == (CaseState.OPEN, WEEK + timedelta(days=9))
    second = say(ledger, "c1", Judgement.RELEASE, "bob").decision_id
    assert [(d.id, d.applied_in) for d in ledger.decisions()] == [(first, "r1"), (second, None)]
    with pytest.raises(WorkspaceError, match="taken up again since"):
        ledger.undo_vote(1, by="lead", role=Role.LEAD, at=NOW)


def test_taking_a_case_up_again_takes_back_what_waits(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2")
    say(ledger, "c1", Judgement.POISON)
    say(ledger, "c2", Judgement.POISON, row_id="c2-0")
    ledger.expire_due(WEEK)
    for name in ("c1", "c2"):
        ledger.reopen(name, by="lead", at=NOW, reason="appeal")
    assert [(d.case_id, d.row_id) for d in ledger.pending_decisions()] == [("c2", "c2-0")]
    with pytest.raises(WorkspaceError, match="nothing to take up again"):
        ledger.reopen("c1", by="lead", at=NOW, reason="appeal")
    with pytest.raises(WorkspaceError, match="lower-case"):
        ledger.reopen("c1", by="lead", at=NOW, reason="Because I say so")


def test_moments_without_a_zone_are_refused(ledger: Ledger) -> None:
    opened(ledger, "c1")
    with pytest.raises(Exception, match="carry a zone"):
        ledger.lease("c1", by="ann", at=NOW.replace(tzinfo=None), minutes=1)


def test_audit_lines_hold_no_free_text(ledger: Ledger) -> None:
    opened(ledger, "c1", "c2")
    say(ledger, "c1", Judgement.POISON, note="secret words")
    say(ledger, "c2", Judgement.RELABEL, label="secret label")
    told = " ".join(str(entry.payload) for entry in ledger.audit_entries())
    assert "secret" not in told
    assert ledger.audit_verify() is None


Act = Callable[[Ledger], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda ledger: ledger.lease("c1", by="ann", at=NOW, minutes=5),
        lambda ledger: ledger.assign("c1", to="ann", by="lead", at=NOW),
        lambda ledger: say(ledger, "c1", Judgement.SKIP),
        lambda ledger: say(ledger, "c1", Judgement.POISON),
        lambda ledger: say(ledger, "c1", Judgement.ESCALATE),
        lambda ledger: say(ledger, "c1", Judgement.RELEASE, row_id="c1-0"),
        lambda ledger: ledger.expire_due(WEEK),
        lambda ledger: ledger.log("revealed", by="ann", at=NOW, payload={}),
    ],
)
def test_every_change_is_one_line_of_the_audit_log(ledger: Ledger, act: Act) -> None:
    opened(ledger, "c1")
    before = ledger.audit_head()[0]
    act(ledger)
    assert ledger.audit_head()[0] == before + 1
