from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Ledger, Reliability, Role
from tests.core.ledger.stage import NOW, WEEK, opened, say

POISON, RELEASE = Judgement.POISON, Judgement.RELEASE


def gold(ledger: Ledger, name: str, truth: Judgement = POISON, **more: int) -> str:
    """A decided case, and its copy with a known answer."""
    opened(ledger, name, **more)
    say(ledger, name, truth, "sam")
    if more.get("needs") == 2:
        say(ledger, name, truth, "tom")
    return ledger.make_gold(name, truth, by="dot", at=NOW)


def test_a_known_answer_looks_like_any_other_case(ledger: Ledger) -> None:
    new = gold(ledger, "c1", rows=3)
    source, copy = ledger.case("c1"), ledger.case(new)
    alike = replace(copy, id="c1", state=CaseState.DECIDED, version=source.version)
    assert alike == source
    assert ledger.rows_of(new) == ledger.rows_of("c1")
    assert ledger.case_rows(new) == ledger.case_rows("c1")
    assert [one.id for one in ledger.same(contributor="ant", not_case=new)] == []
    assert [one.id for one in ledger.same(contributor="ant")] == ["c1"]


@pytest.mark.parametrize(("needs", "state"), [(1, CaseState.DECIDED), (2, CaseState.SECOND)])
def test_everybody_judges_it_and_nothing_comes_of_it(
    ledger: Ledger, needs: int, state: CaseState
) -> None:
    new = gold(ledger, "c1", needs=needs)
    before = ledger.case(new)
    decisions = ledger.decisions()
    said = say(ledger, new, POISON)
    assert said.state is state, "the reviewer sees what they always see"
    assert say(ledger, new, RELEASE, "bob").state is state
    assert ledger.decisions() == decisions
    assert ledger.case(new) == before
    with pytest.raises(WorkspaceError, match="gave your opinion"):
        say(ledger, new, POISON)
    assert [one.by for one in ledger.votes(new, seen_by="bob")] == ["bob"]
    assert said.vote_id is not None
    ledger.undo_vote(said.vote_id, by="ann", role=Role.REVIEWER, at=NOW)
    assert say(ledger, new, Judgement.ESCALATE).state is CaseState.DISPUTED
    assert ledger.case(new).state is CaseState.OPEN


def test_only_a_decided_case_has_a_known_answer(ledger: Ledger) -> None:
    new = gold(ledger, "c1")
    opened(ledger, "c2")
    for name in ("c2", new):
        with pytest.raises(WorkspaceError, match="not known"):
            ledger.make_gold(name, POISON, by="dot", at=NOW)
    assert ledger.golds() == {new: POISON}


def test_a_known_answer_is_due_until_judged_and_never_expires(ledger: Ledger) -> None:
    assert ledger.due_gold("ann") is None
    ledger.add_user("own", Role.REVIEWER, at=NOW, by="x", accounts=["ant"])
    made = {gold(ledger, f"c{n}") for n in range(3)}
    due = []
    while (one := ledger.due_gold("ann")) is not None:
        due.append(one)
        say(ledger, one, POISON)
    assert set(due) == made
    assert ledger.due_gold("bob") in made
    assert ledger.due_gold("own") is None
    assert ledger.expire_due(WEEK) == []
    assert {ledger.case(one).deadline for one in made} == {WEEK + timedelta(days=7)}


def test_how_somebody_judges(ledger: Ledger) -> None:
    first, second = gold(ledger, "c1"), gold(ledger, "c2", RELEASE)
    say(ledger, first, POISON)
    say(ledger, second, POISON)
    say(ledger, second, Judgement.APART, "bob")
    say(ledger, first, Judgement.ESCALATE, "bob")
    opened(ledger, "d1", "d2", needs=2)
    ledger.lease("d1", by="ann", at=NOW, minutes=20)
    say(ledger, "d1", POISON, at=NOW + timedelta(minutes=3))
    say(ledger, "d1", POISON, "bob")
    say(ledger, "d2", POISON)
    say(ledger, "d2", RELEASE, "bob")
    told = {one.user: one for one in ledger.reliability()}
    assert told["ann"] == Reliability("ann", 2, 1, 2, 1, 2, 3.0)
    assert told["bob"] == Reliability("bob", 2, 1, 1, 1, 2, None)
    assert told["sam"] == Reliability("sam", 2, 0, 0, 0, 0, None)
    assert ledger.agreement() == [
        ("d1/1", "ann", "poison"), ("d1/1", "bob", "poison"),
        ("d2/1", "ann", "poison"), ("d2/1", "bob", "release"),
    ]  # fmt: skip
