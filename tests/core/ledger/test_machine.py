"""Whatever people do in whatever order, what the ledger promises holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import Case, CaseState, Decision, Judgement, Ledger, Role, Vote
from tests.core.ledger.conftest import Fresh
from tests.core.ledger.stage import NIGHT, NOW, case, furnishing

NEEDS = {"one": 1, "two": 2, "own": 1}
STAFF = {
    "ann": Role.REVIEWER,
    "bob": Role.REVIEWER,
    "cid": Role.REVIEWER,
    "dot": Role.LEAD,
    "eve": Role.ADMIN,
}
JUDGEMENTS = [
    Judgement.POISON,
    Judgement.RELEASE,
    Judgement.ESCALATE,
    Judgement.SKIP,
]
# What needs two people has the most ways to go.
names = st.sampled_from(["two", "two", "one", "own"])
people = st.sampled_from(sorted(STAFF))
targets = st.sampled_from(["", "", "", "row", "contributor"])


class Desk(RuleBasedStateMachine):
    """People at a desk, a clock, and a run now and then."""

    fresh: Fresh

    @initialize()
    def open(self) -> None:
        """Start with three cases; one of them has rows of ann's."""
        self.ledger = Ledger.open(self.fresh())
        self.now = NOW
        self.runs = 0
        self.applied: dict[int, str] = {}
        self.ledger.start_run("r1", night=NIGHT, kind="nightly", at=NOW)
        self.ledger.open_cases([case(name) for name in NEEDS], run_id="r1", night=NIGHT, at=NOW)
        for name, needs in NEEDS.items():
            senders = ("hers", "bee") if name == "own" else ("ant", "bee")
            self.ledger.furnish([furnishing(name, needs=needs, people=senders)], at=NOW)
        for name, role in STAFF.items():
            accounts = ["hers"] if name == "ann" else []
            self.ledger.add_user(name, role, at=NOW, by="x", accounts=accounts)

    def teardown(self) -> None:
        """Let go of the database."""
        if hasattr(self, "ledger"):
            self.ledger.close()

    @rule(name=names, who=people, judgement=st.sampled_from(JUDGEMENTS), part=targets)
    def judge(self, name: str, who: str, judgement: Judgement, part: str) -> None:
        """Somebody says something about something."""
        self._vote(name, who, judgement, part)

    @rule(who=people, judgement=st.sampled_from([Judgement.POISON, Judgement.RELEASE]))
    def judge_what_needs_two(self, who: str, judgement: Judgement) -> None:
        """Somebody gives one of two opinions."""
        if self.ledger.case("two").state is CaseState.DECIDED:
            self.ledger.reopen("two", by="dot", at=self.now, reason="appeal")
        self._vote("two", who, judgement, "")

    @precondition(lambda self: self._disputed())
    @rule(who=people, judgement=st.sampled_from([Judgement.POISON, Judgement.RELEASE]))
    def settle(self, who: str, judgement: Judgement) -> None:
        """Somebody tries to settle a dispute."""
        self._vote(self._disputed()[0], who, judgement, "")

    def _disputed(self) -> list[str]:
        return [name for name in NEEDS if self.ledger.case(name).state is CaseState.DISPUTED]

    def _vote(self, name: str, who: str, judgement: Judgement, part: str) -> None:
        """Say something; the undo of it changes nothing."""
        about = {"row": {"row_id": f"{name}-1"}, "contributor": {"contributor_id": "bee"}}
        before = self._whole(name)
        try:
            said = self._say(name, who, judgement, about.get(part, {}))
        except WorkspaceError:
            assert self._whole(name) == before, "who is refused changes nothing"
            return
        assert not (name == "own" and who == "ann"), "nobody judges what they sent"
        if said is None:
            return
        disputed = before[0].state is CaseState.DISPUTED
        assert STAFF[who].allows(Role.LEAD) or not disputed, "a lead settles a dispute"
        after = self._whole(name)
        self.ledger.undo_vote(said, by=who, role=STAFF[who], at=self.now)
        assert self._whole(name) == before
        self._say(name, who, judgement, about.get(part, {}))
        assert _nameless(self._whole(name)) == _nameless(after)

    @rule(who=people, index=st.integers(0, 50))
    def undo(self, who: str, index: int) -> None:
        """Somebody takes back some opinion."""
        standing = [one for name in NEEDS for one in self.ledger.votes(name)]
        if not standing:
            return
        one = standing[index % len(standing)]
        try:
            self.ledger.undo_vote(one.id, by=who, role=STAFF[who], at=self.now)
        except WorkspaceError:
            return
        assert who == one.by or STAFF[who].allows(Role.LEAD)
        assert one.decision_id not in self.applied, "what was applied is never undone"

    @rule(name=names, who=people)
    def lease(self, name: str, who: str) -> None:
        """Somebody takes a case up."""
        before = self.ledger.case(name)
        held = before.leased_until is not None and before.leased_until > self.now
        try:
            self.ledger.lease(name, by=who, at=self.now, minutes=20)
        except WorkspaceError:
            return
        assert not held or before.assignee == who

    @rule(minutes=st.sampled_from([5, 5, 5, 30, 30, 30, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        """Time goes by, and with it deadlines."""
        self.now += timedelta(minutes=minutes)
        self.ledger.expire_due(self.now)

    @rule(name=names)
    def reopen(self, name: str) -> None:
        """A case is taken up again, if it is closed."""
        closed = self.ledger.case(name).state in (CaseState.DECIDED, CaseState.EXPIRED)
        try:
            self.ledger.reopen(name, by="dot", at=self.now, reason="appeal")
        except WorkspaceError:
            assert not closed
        else:
            assert closed
            assert self.ledger.case(name).state is CaseState.OPEN

    @precondition(lambda self: self.ledger.pending_decisions())
    @rule(some=st.integers(1, 3))
    def apply(self, some: int) -> None:
        """A run acts on some decisions; once it claimed them nobody takes them back."""
        self.runs += 1
        run = f"apply-{self.runs}"
        numbers = [one.id for one in self.ledger.pending_decisions()][:some]
        self.ledger.start_run(run, night=NIGHT, kind="review", at=self.now)
        self.ledger.claim(numbers, run_id=run)
        for one in [one for name in NEEDS for one in self.ledger.votes(name)]:
            if one.decision_id in numbers:
                with pytest.raises(WorkspaceError):
                    self.ledger.undo_vote(one.id, by="eve", role=Role.ADMIN, at=self.now)
        self.ledger.mark_applied(numbers, run_id=run)
        self.ledger.finish_run(run, state="done", exit_code=0, at=self.now)
        self.applied |= dict.fromkeys(numbers, run)

    @invariant()
    def one_decision_stands_on_each_part(self) -> None:
        """At most one decision waits on each part of a case, and one of each run."""
        counted = Counter(
            (one.case_id, one.row_id, one.contributor_id, one.applied_in)
            for one in self.ledger.decisions()
        )
        assert max(counted.values(), default=0) <= 1

    @invariant()
    def two_people_stand_behind_what_needs_two(self) -> None:
        """One person alone decides such a case only as the lead who settles a dispute."""
        said = {one.id: one.decision for one in self.ledger.decisions()}
        for one in self.ledger.decisions():
            if one.case_id == "two" and "+" not in one.by:
                assert STAFF[one.by].allows(Role.LEAD)
            elif one.case_id == "two":
                assert len(set(one.by.split("+"))) == 2
        for vote in self.ledger.votes("two"):
            if vote.decision_id in said:  # else taken back, when the case was taken up again
                assert vote.judgement == said[vote.decision_id], "who decides together agrees"

    @invariant()
    def what_was_applied_stays(self) -> None:
        """A decision that a run acted on stands for good."""
        told = {one.id: one.applied_in for one in self.ledger.decisions()}
        assert self.applied.items() <= told.items()

    @invariant()
    def a_case_is_decided_by_a_decision(self) -> None:
        """The state of a case and its decisions say the same."""
        standing = {one.id for one in self.ledger.decisions()}
        for name in NEEDS:
            if self.ledger.case(name).state is CaseState.DECIDED:
                assert any(one.decision_id in standing for one in self.ledger.votes(name))

    @invariant()
    def the_audit_chain_holds(self) -> None:
        """Nothing that happened breaks the chain."""
        assert self.ledger.audit_verify() is None

    def _say(self, name: str, who: str, judgement: Judgement, about: dict[str, Any]) -> int | None:
        told: dict[str, Any] = {"by": who, "role": STAFF[who], "at": self.now, "reason_code": "x"}
        return self.ledger.vote(name, judgement, **told, **about).vote_id

    def _whole(self, name: str) -> tuple[Case, list[Vote], list[Decision]]:
        seen = replace(self.ledger.case(name), version=0)
        return seen, self.ledger.votes(name), self.ledger.decisions()


def _nameless(whole: tuple[Case, list[Vote], list[Decision]]) -> object:
    """Leave out numbers: who says the same again gets new ones."""
    state, votes, decisions = whole
    bare = [replace(one, id=0, decision_id=one.decision_id and 0, applied_in=None) for one in votes]
    return state, bare, [replace(one, id=0) for one in decisions]


def test_whatever_people_do(fresh: Fresh) -> None:
    machine = type("Machine", (Desk,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
