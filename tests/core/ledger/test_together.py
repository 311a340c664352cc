"""Several people at once: nobody overwrites anybody, and the audit chain has one end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Ledger, Role
from tests.core.ledger.stage import NOW, opened, say

PEOPLE = [f"p{n}" for n in range(6)]


def at_once(address: str, act: Callable[[Ledger, str], object]) -> list[str]:
    """Let everybody act at the same moment, each with a connection of their own; who could?"""
    start = Barrier(len(PEOPLE))

    def one(who: str) -> str | None:
        with Ledger.open(address) as own:
            start.wait(30)
            try:
                act(own, who)
            except WorkspaceError:
                return None
            return who

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        return [who for who in pool.map(one, PEOPLE) if who is not None]


def test_one_of_many_decides(address: str, ledger: Ledger) -> None:
    opened(ledger, "c1")
    version = ledger.case("c1").version
    done = at_once(address, lambda own, who: say(own, "c1", Judgement.POISON, who, version=version))
    assert len(done) == 1
    assert [d.by for d in ledger.pending_decisions()] == done
    assert ledger.audit_verify() is None


def test_two_of_many_agree(address: str, ledger: Ledger) -> None:
    opened(ledger, "c1", needs=2)
    done = at_once(address, lambda own, who: say(own, "c1", Judgement.POISON, who))
    (decision,) = ledger.pending_decisions()
    assert len(done) == 2
    assert sorted(decision.by.split("+")) == done


def test_one_of_many_takes_a_case_up(address: str, ledger: Ledger) -> None:
    opened(ledger, "c1")
    done = at_once(address, lambda own, who: own.lease("c1", by=who, at=NOW, minutes=20))
    assert [ledger.case("c1").assignee] == done


def test_an_undo_and_a_run_do_not_both_win(address: str, ledger: Ledger) -> None:
    opened(ledger, "c1")
    said = say(ledger, "c1", Judgement.POISON)
    assert said.vote_id is not None
    assert said.decision_id is not None
    vote, decision = said.vote_id, said.decision_id

    def act(own: Ledger, who: str) -> None:
        if who == PEOPLE[0]:
            own.undo_vote(vote, by="ann", role=Role.REVIEWER, at=NOW)
        elif who == PEOPLE[1]:
            own.mark_applied([decision], run_id="r1")

    done = at_once(address, act)
    undone = PEOPLE[0] in done
    assert undone != (PEOPLE[1] in done)
    assert (ledger.case("c1").state is CaseState.OPEN) is undone
    assert [d.applied_in for d in ledger.decisions()] == ([] if undone else ["r1"])


@pytest.mark.parametrize("shared", [True, False])
def test_every_line_of_many_writers_is_in_the_chain(
    address: str, ledger: Ledger, shared: bool
) -> None:
    def act(own: Ledger, who: str) -> None:
        for n in range(5):
            (ledger if shared else own).log("seen", by=who, at=NOW, payload={"n": n})

    at_once(address, act)
    assert len(ledger.audit_entries(action="seen")) == 5 * len(PEOPLE)
    assert ledger.audit_verify() is None
