"""Cases that two people confirmed become canaries, and go when the decision goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from foretaste.core.ledger import Judgement, NewCase, Role
from foretaste.core.workspace import Workspace
from foretaste.steps.confirmed import sync_canaries, true_label
from foretaste.steps.furnish import furnish
from foretaste.steps.trusted import read_trusted
from tests.views.judged import AT, CASE, NIGHTS, rows_of

NOW = datetime(2026, 1, 3, 3, tzinfo=UTC)


@pytest.fixture
def desk(judged: Workspace) -> Workspace:
    """A workspace with a golden set of two labels, canaries of its own, and furnished cases."""
    golden = pd.DataFrame({"row_id": ["g1", "g2"], "label": ["ham", "spam"], "text": ["a", "b"]})
    judged.layout.golden.mkdir(parents=True, exist_ok=True)
    golden.to_parquet(judged.layout.golden / "golden.parquet")
    own = pd.DataFrame(
        {
            "canary_id": ["own"],
            "text": ["x"],
            "attack": ["old"],
            "target_label": ["ham"],
            "true_label": ["spam"],
        }
    )
    judged.layout.canaries.mkdir(parents=True, exist_ok=True)
    own.to_parquet(judged.layout.canaries / "own.parquet")
    furnish(judged, NOW)
    return judged


def confirm(workspace: Workspace, *people: str, judgement: Judgement = Judgement.POISON) -> None:
    """Let people judge the case, and a run apply what they decided."""
    with workspace.ledger() as ledger:
        for by in people:
            ledger.vote(CASE, judgement, by=by, role=Role.REVIEWER, at=NOW, reason_code="campaign")


def apply(workspace: Workspace) -> None:
    with workspace.ledger() as ledger:
        waiting = [one.id for one in ledger.pending_decisions()]
        ledger.mark_applied(waiting, run_id=f"run-{NIGHTS[1]}")


def test_a_case_joins_when_two_people_agreed_and_a_run_applied_it(desk: Workspace) -> None:
    confirm(desk, "ann")
    assert sync_canaries(desk) == ()
    confirm(desk, "bob")
    assert sync_canaries(desk) == (), "it can still be taken back"
    apply(desk)
    assert sync_canaries(desk) == (CASE,)
    assert sync_canaries(desk) == ()
    canaries = read_trusted(desk.layout, desk.key).canaries
    assert canaries is not None
    assert canaries["row_id"].is_unique
    mine = canaries[canaries["attack"] == f"case-{CASE}"]
    assert set(zip(mine["target_label"], mine["true_label"], strict=True)) == {("spam", "ham")}
    honest = canaries[canaries["attack"].isna()]
    assert honest["true_label"].tolist() == ["spam"], "a look-alike of the attacker's label"
    assert "old" in set(canaries["attack"])


def test_an_appeal_takes_the_canaries_away(desk: Workspace) -> None:
    confirm(desk, "ann", "bob")
    apply(desk)
    sync_canaries(desk)
    with desk.ledger() as ledger:
        ledger.reopen(CASE, by="lea", at=NOW, reason="appeal")
    confirm(desk, "ann", "bob", judgement=Judgement.RELEASE)
    apply(desk)
    assert sync_canaries(desk) == ()
    assert [p.name for p in desk.layout.canaries.glob("*.parquet")] == ["own.parquet"]


def test_one_person_alone_teaches_the_gates_nothing(desk: Workspace) -> None:
    small = NewCase(
        "c0ffee00000d", "contributor", "1 row", 0.001, 0.9, (), (rows_of(NIGHTS[1])[2],)
    )
    with desk.ledger() as ledger:
        ledger.open_cases([small], run_id=f"run-{NIGHTS[1]}", night=NIGHTS[1], at=AT)
        ledger.vote(
            small.id, Judgement.POISON, by="ann", role=Role.REVIEWER, at=NOW, reason_code="spam"
        )
    apply(desk)
    assert sync_canaries(desk) == ()


@pytest.mark.parametrize(
    ("said", "labels", "golden", "truth"),
    [
        ("spam", ["ham"], ["ham", "spam", "x"], "spam"),
        (None, ["ham", "ham"], ["ham", "spam"], "spam"),
        (None, ["ham", "spam"], ["ham", "spam"], None),
        (None, ["ham"], ["ham", "spam", "x"], None),
        (None, ["new"], ["ham", "spam"], None),
    ],
)
def test_the_truth_is_only_told_where_it_is_known(
    said: str | None, labels: list[str], golden: list[str], truth: str | None
) -> None:
    assert true_label(said, labels, golden) == truth
