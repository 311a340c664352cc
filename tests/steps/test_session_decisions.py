"""A run takes what people decided, keeps it while it goes on, and lets go of it when it fails."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import CaseState, Judgement, Role
from foretaste.core.workspace import Workspace
from foretaste.steps.furnish import furnish
from foretaste.steps.session import session
from tests.views.judged import CASE, NIGHTS, rows_of

NOW = datetime(2026, 1, 3, 3, tzinfo=UTC)
LATER = "2026-02-03"


def decide(workspace: Workspace, row: str | None = None) -> int:
    """Let two people call the case, or a row of it, poison; give the decision."""
    furnish(workspace, NOW)
    with workspace.ledger() as ledger:
        for by in ("ann", "bob"):
            said = ledger.vote(
                CASE,
                Judgement.POISON,
                by=by,
                role=Role.REVIEWER,
                at=NOW,
                reason_code="spam",
                row_id=row,
            )
    assert said.decision_id is not None
    return said.decision_id


def test_cases_expire_when_a_night_begins_and_never_in_a_dry_run(judged: Workspace) -> None:
    furnish(judged, NOW)
    with session(judged.root, LATER, "review", dry_run=True) as run:
        run.finish("dry-run", 0, {})
    with judged.ledger() as ledger:
        assert ledger.case(CASE).state is CaseState.OPEN
    with session(judged.root, LATER, "review") as run:
        assert run.decided.empty
        run.finish("empty", 0, {})
    with judged.ledger() as ledger:
        assert ledger.case(CASE).state is CaseState.EXPIRED
        assert ledger.audit_verify() is None


def test_what_a_run_is_acting_on_cannot_be_taken_back_until_it_fails(judged: Workspace) -> None:
    number = decide(judged)

    def fail() -> None:
        with session(judged.root, "2026-01-04", "review") as run:
            assert set(run.decided["row_id"]) == set(rows_of(NIGHTS[1])[2:])
            with judged.ledger() as ledger, pytest.raises(WorkspaceError, match="is applying"):
                ledger.undo(number, by="bob", at=NOW, role=Role.ADMIN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with judged.ledger() as ledger:
        assert [one.id for one in ledger.pending_decisions()] == [number]
        ledger.undo(number, by="bob", at=NOW, role=Role.ADMIN)
    with session(judged.root, "2026-01-04", "review") as run:
        assert run.decided.empty
        run.finish("empty", 0, {})


def test_a_word_that_others_stand_above_is_over_with_the_run(judged: Workspace) -> None:
    numbers = [decide(judged, row) for row in rows_of(NIGHTS[1])[2:]]
    whole = decide(judged)
    with session(judged.root, "2026-01-04", "review") as run:
        assert set(run.decided["decision_id"]) == set(numbers)
        assert run.silent == (whole,)
        run.applied()
        run.finish("empty", 0, {})
    with judged.ledger() as ledger:
        waiting = [one.id for one in ledger.pending_decisions()]
    assert waiting == numbers, "no release has applied them"
