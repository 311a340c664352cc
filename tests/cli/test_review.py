"""Cases and decisions on the command line."""

from __future__ import annotations

from dataclasses import replace

from foretaste.core.ledger import NewCase
from foretaste.core.workspace import Workspace
from tests.cli.terminal import Terminal
from tests.views.judged import AT, CASE, NIGHTS, rows_of

RING = NewCase(
    "c0ffee000002", "campaign", "4 accounts that act as one", 0.4, 0.9, ("ring: 4",),
    tuple(rows_of(NIGHTS[0])),
)  # fmt: skip


def _pending(workspace: Workspace) -> list[int]:
    with workspace.ledger() as ledger:
        return [one.id for one in ledger.pending_decisions()]


def test_cases_are_listed_and_shown(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root)
    assert [c["id"] for c in foretaste("cases", *here, "--json").json["cases"]] == [CASE]
    assert foretaste("cases", "--state", "decided", *here, "--json").json["cases"] == []
    shown = foretaste("cases", CASE, *here)
    assert all(row in shown.out for row in rows_of(NIGHTS[1])[2:])
    assert "rule +9.0: x" in shown.out


def test_a_decision_waits_and_can_be_taken_back(foretaste: Terminal, judged: Workspace) -> None:
    here = ("--workspace", judged.root, "--json")
    tried = foretaste("decide", CASE, "poison", "--dry-run", *here)
    assert tried.json["number"] is None
    assert _pending(judged) == []
    made = foretaste(
        "decide", CASE, "poison", "--by", "ada", "--reason", "campaign", "--note", "so", *here
    )
    number = made.json["number"]
    assert _pending(judged) == [number]
    assert foretaste("decide", CASE, "release", *here).code == 1
    (said,) = foretaste("cases", CASE, *here).json["decisions"]
    assert (said["by"], said["reason_code"], said["note"]) == ("ada", "campaign", "so")
    assert foretaste("undo", number, "--dry-run", *here).code == 0
    assert _pending(judged) == [number]
    assert foretaste("undo", number, *here).json["case"] == CASE
    assert _pending(judged) == []
    assert foretaste("decide", CASE, "downweight", *here).code == 0


def test_a_decision_says_who_applies_it(foretaste: Terminal, judged: Workspace) -> None:
    answer = foretaste("decide", CASE, "release", "--workspace", judged.root)
    assert "foretaste run" in answer.out
    assert "foretaste undo 1" in answer.out


def test_a_campaign_can_be_taken_apart_and_the_word_back(
    foretaste: Terminal, judged: Workspace
) -> None:
    here = ("--workspace", judged.root, "--json")
    with judged.ledger() as ledger:
        ledger.open_cases([RING], run_id=f"run-{NIGHTS[0]}", night=NIGHTS[0], at=AT)
    made = foretaste("decide", RING.id, "apart", *here)
    assert made.code == 0, made.err
    assert made.json["decision"] == "apart"
    assert foretaste("decide", RING.id, "poison", *here).code == 1
    assert foretaste("undo", made.json["number"], *here).json["case"] == RING.id
    assert _pending(judged) == []
    told = foretaste("decide", RING.id, "apart", "--workspace", judged.root)
    assert "no later night takes their contributors for one" in told.out


def test_only_a_group_can_be_taken_apart(foretaste: Terminal, judged: Workspace) -> None:
    with judged.ledger() as ledger:
        found = [replace(RING, id=f"{kind}-case", kind=kind) for kind in ("rule", "held")]
        ledger.open_cases(found, run_id=f"run-{NIGHTS[0]}", night=NIGHTS[0], at=AT)
    for case in (CASE, *(one.id for one in found)):
        answer = foretaste("decide", case, "apart", "--workspace", judged.root)
        assert answer.code == 1
        assert f"foretaste decide {case} release" in answer.err
    assert _pending(judged) == []
